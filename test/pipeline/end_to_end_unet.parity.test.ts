/**
 * From the same weights and image to the same flows, masks and diameter as
 * Cellpose 3.1.1.2's `eval` of a U-Net in fp32;
 * `test/fixtures/end_to_end_unet/make.py` records it.
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

/** Share of a diameter that an estimate may differ by. */
const DIAMETER_LIMIT = 1e-3;

const FIXTURE = fileURLToPath(
  new URL("../fixtures/end_to_end_unet/", import.meta.url),
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
    readonly augment?: boolean;
    readonly resample?: boolean;
    readonly channels?: readonly number[];
    readonly flow_threshold?: number;
    readonly cellprob_threshold?: number;
  };
  /** Estimated diameter, and that of the style alone. */
  readonly diameters?: readonly [number, number];
}

const cases: RecordedCase[] = JSON.parse(
  readFileSync(join(FIXTURE, "cases.json"), "utf8"),
);
const root = mkdtempSync(join(tmpdir(), "unet-"));
let encoder: NodeEncoder;
beforeAll(async () => {
  const checkpoint = join(root, "checkpoint.pth");
  writeFileSync(checkpoint, unpack("checkpoint.pth"));
  const folder = join(root, "model");
  importModel(checkpoint, folder, { sizeModel: join(FIXTURE, "size.npy") });
  encoder = await loadNodeEncoder(folder, { providers: ["cpu"] });
});
afterAll(async () => {
  await encoder.close();
  rmSync(root, { recursive: true });
});

test.each(cases.map((each) => [each.name, each] as const))(
  "segment() gives what Cellpose 3 gives: %s",
  async (name, { image, crop, options, step, diameters }) => {
    const input = await readExample(image, crop);
    const parameters = SegmentParameters.parse({
      diameter: options.diameter ?? null,
      augment: options.augment ?? false,
      resample: options.resample ?? true,
      channels: options.channels ?? null,
      flowThreshold: options.flow_threshold ?? 0.4,
      cellprobThreshold: options.cellprob_threshold ?? 0,
    });
    const { planes: [plane], facts } = await segment(
      input,
      parameters,
      { core, encoders: [encoder] },
    );
    if (diameters) {
      expect(facts.diameterFrom).toBe("estimated by the size model");
      expect(Math.abs(facts.diameter! / diameters[0] - 1))
        .toBeLessThan(DIAMETER_LIMIT);
    }

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
    expect(count).toBeGreaterThan(20);
    // where seeds tie the peer's order is undefined
    expect(Math.abs(plane.count - count)).toBeLessThanOrEqual(count / 100);
    const [{ ap }] = core.averagePrecision(masks, plane.masks, plane.size, [
      0.9,
    ]);
    expect(ap).toBeGreaterThan(name === "color" ? 0.97 : 0.999);
    const different = masks.filter((label, i) =>
      (label > 0) !== (plane.masks[i] > 0)
    );
    // single pixels whose paths end on a pixel's edge; without a flow check
    // there are many in noise
    expect(different.length / masks.length)
      .toBeLessThan(name === "color" ? 5e-3 : 5e-4);
  },
);
