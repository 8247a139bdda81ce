import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HOSTILE } from "./files/hostile.ts";

const MAX_MS = 2000;
const MAX_MEGABYTES = 512;
/** What a format that is not read, or names code, ends in. */
const UNSUPPORTED =
  /calls|makes an instance|asks for|encrypted|unknown (method|compression)|3-bit|record|ND2|CZI|LIF|^gzip|^text|empty file|file of zeros/;

const folder = mkdtempSync(join(tmpdir(), "cytoedge-hostile-"));
let results: { index: number; outcome: string; ms: number; mb: number }[];

beforeAll(async () => {
  for (const [i, { make }] of HOSTILE.entries()) {
    await writeFile(join(folder, `${i}`.padStart(3, "0")), make());
  }
  // a process of its own: its memory is that of decoding only
  const script = fileURLToPath(
    new URL("files/run_hostile.ts", import.meta.url),
  );
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["run", "-A", script, folder],
    { maxBuffer: 1 << 24 },
  );
  results = JSON.parse(stdout);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("decodeLabels() ends in a typed error on each of 40 and more hostile files", () => {
  expect(HOSTILE.length).toBeGreaterThanOrEqual(40);
  expect(results.length).toBe(HOSTILE.length);
  const wrong = results
    .filter(({ outcome }) =>
      !["corrupt-image", "unsupported-format", "image-too-large"]
        .includes(outcome)
    )
    .map(({ index, outcome }) => `${HOSTILE[index].name}: ${outcome}`);
  expect(wrong).toEqual([]);
});

test("decodeLabels() ends within 2 s and 512 MB on each of them", () => {
  const slow = results.filter(({ ms }) => ms > MAX_MS)
    .map(({ index, ms }) => `${HOSTILE[index].name}: ${ms} ms`);
  expect(slow).toEqual([]);
  // the peak of the process: that of the worst file
  expect(Math.max(...results.map(({ mb }) => mb))).toBeLessThan(MAX_MEGABYTES);
});

test("decodeLabels() tells unsupported files from corrupt ones", () => {
  const wrong = results.filter(({ index, outcome }) =>
    (outcome === "unsupported-format") !== UNSUPPORTED.test(HOSTILE[index].name)
  ).map(({ index, outcome }) => `${HOSTILE[index].name}: ${outcome}`);
  expect(wrong).toEqual([]);
});
