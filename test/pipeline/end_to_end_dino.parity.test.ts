/**
 * From the same weights and image to the same flows and masks as Cellpose
 * 4.2.1.1's `eval` of a Cellpose-DINO in fp32;
 * `test/fixtures/end_to_end_dino/make.py` records it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  loadNodeEncoder,
  type NodeEncoder,
} from "../../gpu-worker/encoder_node.ts";
import { importModel } from "../../gpu-worker/import/import_model.ts";
import { decodeNpy, toLabels } from "../../shared/image/npy.ts";
import { segment } from "../../shared/pipeline/segment.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import { core } from "../core.ts";
import { readExample, relativeError, thin } from "./recorded.ts";

/** Share of the peer's range that outputs in fp32 may differ by. */
const LIMIT = 2e-3;

const FIXTURE = fileURLToPath(
  new URL("../fixtures/end_to_end_dino/", import.meta.url),
);
const unpack = (name: string) =>
  new Uint8Array(gunzipSync(readFileSync(join(FIXTURE, `${name}.gz`))));
const read = (name: string) => decodeNpy(unpack(`${name}.npy`));

interface RecordedCase {
  readonly name: string;
  /** File of `examples/`, and the upper left part of it that is used. */
  readonly image: string;
  readonly crop: readonly [number, number];
  readonly step: number;
  /** Options of `eval`. */
  readonly options: {
    readonly diameter?: number;
    readonly bsize?: number;
    readonly tile_overlap?: number;
    readonly flow_threshold?: number;
    readonly cellprob_threshold?: number;
  };
}

const cases: RecordedCase[] = JSON.parse(
  readFileSync(join(FIXTURE, "cases.json"), "utf8"),
);
const root = mkdtempSync(join(tmpdir(), "dino-"));
let encoder: NodeEncoder;
beforeAll(async () => {
  const checkpoint = join(root, "checkpoint.pth");
  writeFileSync(checkpoint, unpack("checkpoint.pth"));
  const folder = join(root, "model");
  importModel(checkpoint, folder);
  encoder = await loadNodeEncoder(folder, { providers: ["cpu"] });
});
afterAll(async () => {
  await encoder.close();
  rmSync(root, { recursive: true });
});

test.each(cases.map((each) => [each.name, each] as const))(
  "segment() gives what Cellpose-DINO gives: %s",
  async (name, { image, crop, options, step }) => {
    const input = await readExample(image, crop);
    const parameters = SegmentParameters.parse({
      diameter: options.diameter ?? null,
      tileSize: options.bsize ?? null,
      tileOverlap: options.tile_overlap ?? 0.1,
      flowThreshold: options.flow_threshold ?? 0.4,
      cellprobThreshold: options.cellprob_threshold ?? 0,
    });
    const { planes: [plane] } = await segment(
      input,
      parameters,
      { core, encoders: [encoder] },
    );
    const { height, width } = plane.flowsSize;
    const planes = [
      plane.flows.subarray(0, height * width),
      plane.flows.subarray(height * width),
    ];
    const flows = planes.flatMap((each) =>
      thin(each, { height, width, step }).map((value) => 5 * value)
    );
    expect(relativeError(flows, read(`${name}_dP`))).toBeLessThan(LIMIT);
    const cellprob = thin(plane.cellprob, { height, width, step });
    expect(relativeError(cellprob, read(`${name}_cellprob`))).toBeLessThan(
      LIMIT,
    );

    const masks = toLabels(read(`${name}_masks`));
    const count = Math.max(...masks);
    expect(count).toBeGreaterThan(10);
    // where seeds tie the peer's order is undefined
    expect(Math.abs(plane.count - count)).toBeLessThanOrEqual(count / 100);
    const [{ ap }] = core.averagePrecision(masks, plane.masks, plane.size, [
      0.9,
    ]);
    expect(ap).toBeGreaterThan(0.97);
    const different = masks.filter((label, i) =>
      (label > 0) !== (plane.masks[i] > 0)
    );
    // single pixels whose paths end on a pixel's edge
    expect(different.length / masks.length).toBeLessThan(5e-4);
  },
);
