import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeLabelFile } from "../cli/label_files.ts";
import { ArgumentError, isSegError } from "../shared/errors.ts";
import { decodeLabels } from "../shared/image/read_labels.ts";
import { encodeZarrLabels } from "../shared/image/zarr_write.ts";
import { createRandom, type Random } from "../shared/synthetic/random.ts";
import { core } from "./core.ts";
import { makeHardLabels } from "./files/hard_labels.ts";

const size = { height: 40, width: 50 };
const { masks } = makeHardLabels(size);
const folder = mkdtempSync(join(tmpdir(), "cytoedge-damaged-"));
const NAMES = [
  "a.tif",
  "a.png",
  "a.npy",
  "a_seg.npy",
  "a_rois.zip",
  "a.geojson",
  "a_coco.json",
];
const files = new Map<string, Uint8Array>();

beforeAll(async () => {
  for (const name of NAMES) {
    const path = join(folder, name);
    await writeLabelFile(
      path,
      { masks, size, format: "tiff", warnings: [] },
      { core },
    );
    files.set(name, new Uint8Array(readFileSync(path)));
  }
  const zarr = Object.fromEntries(encodeZarrLabels({ masks, size }));
  files.set("zarr.zip", zipSync(zarr, { level: 0 }));
  const histo = new URL("../examples/histo.jpg", import.meta.url);
  files.set("histo.jpg", new Uint8Array(readFileSync(histo)));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([...NAMES, "zarr.zip", "histo.jpg"])(
  "decodeLabels() reads a damaged %s, or throws a typed error",
  async (name) => {
    const random = createRandom(7);
    const file = files.get(name)!;
    const wrong: string[] = [];
    const rounds = name.endsWith("jpg") ? 30 : 200;
    for (let round = 0; round < rounds; round++) {
      const damaged = damage(file, random);
      try {
        await decodeLabels(damaged, {
          limits: { maxPixels: 2 ** 22, maxMs: 2000 },
        });
      } catch (err) {
        if (isSegError(err) || err instanceof ArgumentError) continue;
        wrong.push(`${round}: ${err instanceof Error ? err.stack : err}`);
      }
    }
    expect(wrong.slice(0, 3)).toEqual([]);
  },
  60_000,
);

/** Change up to 8 bytes, most near the start; cut or repeat some files. */
function damage(
  file: Uint8Array,
  random: Random,
): Uint8Array {
  const out = file.slice();
  const changes = 1 + Math.floor(random.uniform() * 8);
  for (let i = 0; i < changes; i++) {
    const reach = random.uniform() < 0.7
      ? Math.min(400, out.length)
      : out.length;
    const at = random.uniform() < 0.5
      ? Math.floor(random.uniform() * reach)
      : out.length - 1 - Math.floor(random.uniform() * reach);
    out[at] = Math.floor(random.uniform() * 256);
  }
  const kind = random.uniform();
  if (kind < 0.15) {
    return out.slice(0, Math.floor(random.uniform() * out.length));
  }
  return out;
}
