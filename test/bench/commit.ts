/**
 * The commit that is measured.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Short name of the commit, with a plus where files have changed since. */
export async function findCommit(project: string): Promise<string> {
  const call = promisify(execFile);
  try {
    const describe = ["-C", project, "describe", "--always", "--dirty=+"];
    const { stdout } = await call("git", describe);
    return stdout.trim();
  } catch {
    return "unknown";
  }
}
