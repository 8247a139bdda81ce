/**
 * The Python that has the peers of the file formats, where there is one.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Where `.ci/run` makes the virtual environment of `requirements.txt`. */
export const PYTHON = process.env.CYTOEDGE_FILES_PYTHON ??
  join(homedir(), ".cache/cytoedge/files/bin/python");

/** Whether the peers can be run; tests are skipped by name without them. */
export const HAS_PYTHON = existsSync(PYTHON);

/** Run a script of this folder; gives what it prints. */
export async function runPython(
  script: string,
  ...parameters: string[]
): Promise<string> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { stdout } = await promisify(execFile)(PYTHON, [path, ...parameters], {
    maxBuffer: 1 << 26,
  });
  return stdout;
}
