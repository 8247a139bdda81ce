/**
 * Run the embedding examples and compare their digests.
 *
 *   deno task embed              runtimes that are ready; the others are skipped
 *   deno task embed --install    install what is missing first; none is skipped
 *   deno task embed bun go       these only
 *
 * Installs go to `~/.cache/cytoedge` (`CYTOEDGE_CACHE`).
 *
 * @module
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { findChromium } from "./browser/chromium.ts";
import {
  expectedOutcome,
  installExample,
  runExample,
  whatIsMissing,
} from "./examples.ts";
import { describeRuntimes, type Runtime } from "./runtimes.ts";

const isInstalling = Deno.args.includes("--install");
const names = Deno.args.filter((argument) => !argument.startsWith("--"));
const cache = Deno.env.get("CYTOEDGE_CACHE") ??
  join(homedir(), ".cache", "cytoedge");

const runtimes = describeRuntimes(
  cache,
  findChromium(Deno.env.get("CHROMIUM")),
);
const unknown = names.find((name) => !runtimes.some((r) => r.name === name));
if (unknown !== undefined) {
  print(`No runtime is called ${unknown}`);
  Deno.exit(2);
}

const counts = { passed: 0, failed: 0, skipped: 0 };
const chosen = runtimes.filter(({ name }) =>
  names.length === 0 || names.includes(name)
);
for (const runtime of chosen) counts[await tryExample(runtime)]++;
print(
  `${chosen.length} runtimes, ${counts.failed} failed, ${counts.skipped} skipped`,
);
Deno.exit(counts.failed === 0 ? 0 : 1);

async function tryExample(runtime: Runtime): Promise<keyof typeof counts> {
  const name = runtime.name.padEnd(8);
  try {
    if (isInstalling) await installExample(runtime, cache);
    const missing = await whatIsMissing(runtime, cache);
    if (missing !== undefined) {
      print(`${isInstalling ? "FAIL" : "SKIP"} ${name} ${missing}`);
      return isInstalling ? "failed" : "skipped";
    }
    const { sha256, cells } = await runExample(runtime);
    const expected = await expectedOutcome();
    const isSame = sha256 === expected.sha256 && cells === expected.cells;
    print(`${isSame ? "PASS" : "FAIL"} ${name} ${sha256} ${cells} cells`);
    return isSame ? "passed" : "failed";
  } catch (err) {
    print(`FAIL ${name} ${err instanceof Error ? err.message : err}`);
    return "failed";
  }
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
