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

/** Write a line to the standard error. */
export function printErrorLine(text = ""): void {
  process.stderr.write(`${text}\n`);
}
