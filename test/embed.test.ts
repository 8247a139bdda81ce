/**
 * The embedding examples: the same masks, bit by bit, in every runtime.
 *
 * What is not installed is skipped by name, with the reason; CYTOEDGE_EMBED=1
 * turns that into a failure (`deno task embed --install` installs).
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { expect, test } from "vitest";
import { findChromium } from "../wasm/embed/browser/chromium.ts";
import {
  expectedOutcome,
  runExample,
  whatIsMissing,
} from "../wasm/embed/examples.ts";
import { describeRuntimes } from "../wasm/embed/runtimes.ts";
import { core } from "./core.ts";

const isRequired = env.CYTOEDGE_EMBED === "1";
const cache = env.CYTOEDGE_CACHE ?? join(homedir(), ".cache", "cytoedge");
const expected = await expectedOutcome();

test("computeMasks() gives the masks whose digest the examples print", async () => {
  const flows = await readFloats("flows.f32");
  const cellprob = await readFloats("cellprob.f32");
  const size = { height: 224, width: 256 };
  const { masks, count } = core.computeMasks(flows, cellprob, size);
  expect(count).toBe(expected.cells);
  expect(createHash("sha256").update(masks).digest("hex"))
    .toBe(expected.sha256);
});

for (const runtime of describeRuntimes(cache, findChromium(env.CHROMIUM))) {
  const missing = await whatIsMissing(runtime, cache);
  const reason = missing === undefined ? "" : ` (${missing})`;
  test.skipIf(missing !== undefined && !isRequired)(
    `${runtime.name} prints the digest of the masks${reason}`,
    async () => {
      const { sha256, cells } = await runExample(runtime);
      expect(sha256).toBe(expected.sha256);
      expect(cells).toBe(expected.cells);
    },
  );
}

async function readFloats(name: string): Promise<Float32Array> {
  const path = new URL(`../wasm/embed/case/${name}`, import.meta.url);
  return new Float32Array(new Uint8Array(await readFile(path)).buffer);
}
