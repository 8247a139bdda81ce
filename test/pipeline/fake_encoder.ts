/** Encoders without a network, for tests of the pipeline. */
import { ModelError } from "../../shared/errors.ts";
import type {
  EncodedBatch,
  Encoder,
  TileBatch,
} from "../../shared/pipeline/encoder.ts";
import type { ModelInfo } from "../../shared/schema/model.ts";
import { core } from "../core.ts";
import { createOutput } from "../network_output.ts";

const MODEL: ModelInfo = {
  name: "fake",
  family: "cellpose-sam",
  tileSize: 256,
  channels: 3,
  outputs: 3,
  diameter: 30,
  precision: "fp32",
  licence: "MIT",
};

/** A fake encoder, and what it was given. */
export interface FakeEncoder extends Encoder {
  /** Tiles of each batch, those that failed included. */
  readonly batches: number[];
  readonly tiles: Float32Array[];
}

/** An encoder that runs `encodeTile` on each tile. */
export function createFake(
  encodeTile: (tile: Float32Array, batch: TileBatch) => Float32Array,
  { model = {}, maxBatch = Infinity }: {
    model?: Partial<ModelInfo>;
    /** Larger batches run out of memory. */
    maxBatch?: number;
  } = {},
): FakeEncoder {
  const batches: number[] = [];
  const tiles: Float32Array[] = [];
  return {
    model: { ...MODEL, ...model },
    digest: "0".repeat(64),
    provider: "fake",
    batches,
    tiles,
    encode(batch): Promise<EncodedBatch> {
      batches.push(batch.count);
      if (batch.count > maxBatch) {
        return Promise.reject(
          new ModelError("fake", "no memory", { outOfMemory: true }),
        );
      }
      const length = batch.data.length / batch.count;
      const outputs = Array.from({ length: batch.count }, (_, i) => {
        const tile = batch.data.slice(i * length, (i + 1) * length);
        tiles.push(tile);
        return encodeTile(tile, batch);
      });
      const all = new Float32Array(batch.count * outputs[0].length);
      for (const [i, each] of outputs.entries()) all.set(each, i * each.length);
      return Promise.resolve({ outputs: all });
    },
    close: () => Promise.resolve(),
  };
}

/** Gives back the tile: the image holds 5·dY, 5·dX and cellprob. */
export const createIdentity = (options?: Parameters<typeof createFake>[1]) =>
  createFake((tile) => tile, options);

/** Takes the first channel for labels and gives their flows. */
export const createLabelReader = () =>
  createFake((tile, { height, width }) => {
    const pixels = height * width;
    const labels = Uint32Array.from(tile.subarray(0, pixels));
    const out = new Float32Array(3 * pixels);
    out.set(core.labelsToFlows(labels, { height, width }).map((v) => 5 * v));
    out.set(Float32Array.from(labels, (l) => l > 0 ? 5 : -5), 2 * pixels);
    return out;
  });

/** An H×W×3 image whose channels are a network's output for random cells. */
export function createOutputImage(height: number, width: number, seed = 1) {
  const size = { height, width };
  const cells = Math.ceil(height * width / 900);
  const { flows, cellprob, labels } = createOutput(size, cells, seed);
  const pixels = height * width;
  const data = new Float32Array(3 * pixels);
  for (let i = 0; i < pixels; i++) {
    data[3 * i] = 5 * flows[i];
    data[3 * i + 1] = 5 * flows[pixels + i];
    data[3 * i + 2] = cellprob[i];
  }
  return {
    data,
    axes: "YXC",
    shape: [height, width, 3],
    size,
    flows,
    cellprob,
    labels,
  };
}

/** Gives back its tile, a style, and `diameter` for any style. */
export function createSized(
  diameter: number,
  model: { trainedDiameter?: number } = {},
) {
  const encoder = createIdentity({
    model: { family: "cellpose-unet", ...model },
  });
  const styles: Float32Array[] = [];
  return {
    ...encoder,
    styles,
    async encode(batch: Parameters<typeof encoder.encode>[0]) {
      const result = await encoder.encode(batch);
      const length = batch.data.length / batch.count;
      return {
        ...result,
        styles: batch.data.filter((_, i) => i % length < 2),
      };
    },
    estimateDiameter(style: Float32Array) {
      styles.push(style);
      return Promise.resolve(diameter);
    },
  };
}

/** Gives `planes` of the tile's only channel. */
export function createSemantic(planes: readonly ((v: number) => number)[]) {
  return createFake((tile) => {
    const out = new Float32Array(planes.length * tile.length);
    for (const [k, plane] of planes.entries()) {
      out.set(tile.map(plane), k * tile.length);
    }
    return out;
  }, {
    model: {
      family: "unet",
      channels: 1,
      outputs: planes.length,
      tileSize: 128,
      tileMultiple: 16,
    },
  });
}
