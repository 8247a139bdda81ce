/**
 * Paths as the caller means them.
 *
 * @module
 */
import { resolve } from "node:path";
import process from "node:process";

/**
 * Resolve a path against the folder the command was called from.
 *
 * `deno task` runs commands in the project's folder and keeps the caller's in
 * `INIT_CWD`.
 */
export function callerPath(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}
