/**
 * Products with weights of 8 bits.
 *
 * @module
 */
import { ShapeError } from "../errors.ts";
import type { GraphBuilder } from "./builder.ts";
import { toFloat32 } from "./floats.ts";
import type { Constant, Value } from "./types.ts";

/**
 * Largest whole number of a weight: 7 bits, since processors without VNNI add
 * two products of 8 bits in 16, which would overflow there and nowhere else.
 */
const LARGEST = 63;

/** A weight as whole numbers, and what one is worth in each column. */
export interface QuantizedWeight {
  /** K×N i8 */
  readonly weight: Constant;
  /** N f32 */
  readonly scale: Constant;
}

/**
 * Round a weight to whole numbers, column by column.
 *
 * @param weight  N×K, as PyTorch keeps a linear layer's weight
 */
export function quantizeWeight(weight: Constant): QuantizedWeight {
  const [columns, rows] = weight.shape;
  const read = () => toFloat32(weight.read(), weight.dtype);
  const scalesOf = (values: Float32Array) =>
    Float32Array.from({ length: columns }, (_, n) => {
      const own = values.subarray(n * rows, (n + 1) * rows);
      const most = own.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
      return most === 0 ? 1 : most / LARGEST;
    });
  return {
    weight: {
      dtype: "i8",
      shape: [rows, columns],
      read() {
        const values = read();
        const scales = scalesOf(values);
        const out = new Int8Array(rows * columns);
        for (let n = 0; n < columns; n++) {
          for (let k = 0; k < rows; k++) {
            out[k * columns + n] = Math.round(values[n * rows + k] / scales[n]);
          }
        }
        return new Uint8Array(out.buffer);
      },
    },
    scale: {
      dtype: "f32",
      shape: [columns],
      read: () => new Uint8Array(scalesOf(read()).buffer),
    },
  };
}

/**
 * x·w + bias in whole numbers: x is rounded to 8 bits where the graph runs.
 *
 * @param x  M×K f32; weight K×N i8, scale N f32, bias N f32
 */
export function quantizedGemm(
  g: GraphBuilder,
  x: Value,
  { weight, scale, bias = null }: {
    weight: Value;
    scale: Value;
    bias?: Value | null;
  },
): Value {
  if (x.shape.length !== 2 || x.shape[1] !== weight.shape[0]) {
    throw new ShapeError(
      "DynamicQuantizeMatMul",
      `${x.name} does not fit ${weight.name}`,
    );
  }
  return g.node(
    "DynamicQuantizeMatMul",
    [x, weight, scale, null, ...(bias ? [bias] : [])],
    { dtype: "f32", shape: [x.shape[0], weight.shape[1]] },
    { domain: "com.microsoft" },
  );
}
