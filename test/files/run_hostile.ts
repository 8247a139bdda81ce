/**
 * Decode every file of a folder in this process, and print what came of each
 * and the most memory that was ever held.
 *
 * @module
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { isSegError } from "../../shared/errors.ts";
import { decodeLabels } from "../../shared/image/read_labels.ts";

const folder = process.argv[2];
const results = [];
for (const name of (await readdir(folder)).sort()) {
  const file = new Uint8Array(await readFile(join(folder, name)));
  const start = performance.now();
  let outcome = "decoded";
  try {
    await decodeLabels(file);
  } catch (err) {
    outcome = isSegError(err) ? err.tag : `untyped: ${err}`;
  }
  const ms = Math.round(performance.now() - start);
  const mb = Math.round(await readPeak() / 2 ** 20);
  results.push({ index: Number(name), outcome, ms, mb });
}
process.stdout.write(JSON.stringify(results));

/** Bytes; `maxRSS` would count the parent's, from before the exec. */
async function readPeak(): Promise<number> {
  try {
    const status = await readFile("/proc/self/status", "utf8");
    return Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
