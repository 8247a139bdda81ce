/**
 * Lines on the standard output.
 *
 * @module
 */
import process from "node:process";

/** Print a line; `console` is for debugging, this is a command's result. */
export function printLine(line = ""): void {
  process.stdout.write(`${line}\n`);
}
