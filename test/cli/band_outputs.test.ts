/**
 * Files written band by band: the same content as those of masks in memory,
 * for an image of several bands.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { BandContext } from "../../cli/segment/band_context.ts";
import { writeBandOutput } from "../../cli/segment/band_outputs.ts";
import { decodeImage } from "../../shared/image/decode.ts";
import { openDecoded } from "../../shared/image/open.ts";
import { arrayStore, IN_MEMORY } from "../../shared/pipeline/array_store.ts";
import { writeOutput } from "../../shared/pipeline/write_outputs.ts";
import {
  OUTPUT_KINDS,
  type OutputName,
} from "../../shared/schema/output_kinds.ts";
import { createRandom } from "../bench/scene.ts";
import { core } from "../core.ts";

/** Three bands of 2^20 pixels, two of 2^21, six chunks of Zarr. */
const size = { height: 2100, width: 1100 };
const pixels = size.height * size.width;
const CELL = 50;

const folder = mkdtempSync(join(tmpdir(), "bands-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Discs with a hole, in a grid. */
function drawCells() {
  const masks = new Uint32Array(pixels);
  const columns = size.width / CELL;
  const count = columns * size.height / CELL;
  const boxes = new Int32Array(8 * count);
  for (let i = 0; i < pixels; i++) {
    const [y, x] = [Math.floor(i / size.width), i % size.width];
    const far = Math.hypot(y % CELL - 24, x % CELL - 24);
    if (far > 20 || far < 4) continue;
    masks[i] = 1 + Math.floor(y / CELL) * columns + Math.floor(x / CELL);
  }
  for (let k = 0; k < count; k++) {
    const top = Math.floor(k / columns) * CELL + 4;
    boxes.set([0, 1, top, top + 41], 8 * k);
  }
  return { masks, count, boxes };
}

function createContexts() {
  const { masks, count, boxes } = drawCells();
  const random = createRandom(5);
  const data = Uint16Array.from(
    { length: 2 * pixels },
    () => 300 * random() + 50,
  );
  const output = Float32Array.from(
    { length: 3 * pixels },
    () => 12 * random() - 6,
  );
  const cells = core.measureRegions(masks, size);
  const image = {
    data,
    axes: "CYX",
    shape: [2, size.height, size.width],
    axesInferred: false,
    dtype: "uint16",
    format: "npy",
    warnings: [],
    pixelSize: { y: 0.5, x: 0.25 },
  } as const;
  const plane = { count, size, cells };
  const result = {
    size,
    count,
    warnings: [],
    facts: { diameter: 41.5 },
  };
  const names = { core, stem: "a", fileName: "a.npy" };
  return {
    whole: {
      ...names,
      image,
      result: {
        ...result,
        planes: [{
          ...plane,
          masks,
          flows: output.subarray(0, 2 * pixels),
          cellprob: output.subarray(2 * pixels),
          flowsSize: size,
        }],
      },
    } as unknown as Parameters<typeof writeOutput>[1],
    bands: {
      ...names,
      folder,
      stores: IN_MEMORY,
      image: openDecoded(image),
      result: {
        ...result,
        planes: [{
          ...plane,
          boxes,
          hasFlows: true,
          masks: arrayStore(masks),
          output: { store: arrayStore(output), size },
        }],
      },
    } as unknown as BandContext,
  };
}

const contexts = createContexts();

test.each(Object.keys(OUTPUT_KINDS) as OutputName[])(
  "writeBandOutput() writes what writeOutput() does: %s",
  async (kind) => {
    const files = writeOutput(kind, contexts.whole);
    const written = await writeBandOutput(kind, contexts.bands);
    expect(written.toSorted()).toEqual([...files.keys()].toSorted());
    for (const [name, content] of files) {
      const ours = readFileSync(join(folder, name));
      const theirs = typeof content === "string"
        ? new TextEncoder().encode(content)
        : content;
      if (name.endsWith(".svg")) {
        const [picture, lines] = splitSvg(ours);
        const [otherPicture, otherLines] = splitSvg(theirs);
        expect(lines === otherLines).toBe(true);
        await expectSamePixels(picture, otherPicture);
      } else if (name.endsWith(".png")) await expectSamePixels(ours, theirs);
      else expect(ours.equals(theirs), name).toBe(true);
    }
  },
);

async function expectSamePixels(ours: Uint8Array, theirs: Uint8Array) {
  const [a, b] = await Promise.all([ours, theirs].map((x) => decodeImage(x)));
  expect(a.shape).toEqual(b.shape);
  expect(a.data.length).toBe(b.data.length);
  expect(a.data.findIndex((value, i) => value !== b.data[i])).toBe(-1);
}

/** The background of an overlay, and the rest. */
function splitSvg(bytes: Uint8Array): [Uint8Array, string] {
  const text = new TextDecoder().decode(bytes);
  const found = /base64,([^"]*)/.exec(text)?.[1] ?? "";
  const picture = Uint8Array.from(atob(found), (c) => c.charCodeAt(0));
  return [picture, text.replace(found, "")];
}
