/**
 * Tables of relative positions, brought to the size the network runs at.
 *
 * @module
 */
import { cast, matmul, transpose, type Value } from "../../shared/graph/mod.ts";
import { type Layers, once, parameter } from "./parameter.ts";
import { fromValues } from "./weights.ts";

/**
 * A table laid out by pairs of positions.
 *
 * Both steps, resampling and laying out, are linear: in the training form
 * they are one product of the checkpoint's table with a constant.
 *
 * @param name   of the table, length×size for any length
 * @param edge   positions
 * @param scale  factor of every element
 * @returns      edge×size×edge
 */
export function placeTable(
  l: Layers,
  name: string,
  { edge, size, scale }: { edge: number; size: number; scale: number },
): Value {
  const { g, weights } = l;
  const [from] = weights.shape(name, [null, size]);
  const to = 2 * edge - 1;
  const place = (table: Float32Array) =>
    toOffsets(resampleTable(table, { from, to }), { edge, scale });
  if (!l.training) {
    const values = place(weights.floats(name, [from, size]));
    return g.constant(name, fromValues(values, [edge, size, edge], l.compute));
  }
  const label = `offsets ${from} ${edge} ${scale}`;
  const offsets = once(l, label, () => {
    const values = place(identity(from));
    return g.constant(label, fromValues(values, [edge, from, edge], "f32"));
  });
  const table = parameter(l, name, { wanted: [from, size], dtype: "f32" });
  const placed = matmul(g, transpose(g, table, [1, 0]), offsets);
  return cast(g, placed, l.compute);
}

function identity(edge: number): Float32Array {
  const values = new Float32Array(edge * edge);
  for (let i = 0; i < edge; i++) values[i * (edge + 1)] = 1;
  return values;
}

/**
 * Resample the rows of a table by linear interpolation.
 *
 * @param table  from×d f32
 * @param from   rows of the table
 * @param to     rows wanted
 * @returns      to×d f32; the same table where nothing changes
 *
 * Source: torch.nn.functional.interpolate, mode linear, corners not aligned.
 */
export function resampleTable(
  table: Float32Array,
  { from, to }: { from: number; to: number },
): Float32Array {
  if (from === to) return table;
  const size = table.length / from;
  const out = new Float32Array(to * size);
  const step = from / to;
  for (let row = 0; row < to; row++) {
    const at = Math.max((row + 0.5) * step - 0.5, 0);
    const low = Math.floor(at);
    const high = Math.min(low + 1, from - 1);
    const share = Math.fround(at - low);
    for (let i = 0; i < size; i++) {
      out[row * size + i] = table[low * size + i] * (1 - share) +
        table[high * size + i] * share;
    }
  }
  return out;
}

/**
 * Lay out a table by pairs of positions: out[p][i][q] = table[p − q + edge − 1][i].
 *
 * @param table  (2·edge−1)×d f32
 * @param scale  factor of every element
 * @returns      edge×d×edge f32
 */
export function toOffsets(
  table: Float32Array,
  { edge, scale }: { edge: number; scale: number },
): Float32Array {
  const size = table.length / (2 * edge - 1);
  const out = new Float32Array(edge * size * edge);
  for (let p = 0; p < edge; p++) {
    for (let i = 0; i < size; i++) {
      for (let q = 0; q < edge; q++) {
        out[(p * size + i) * edge + q] = table[(p - q + edge - 1) * size + i] *
          scale;
      }
    }
  }
  return out;
}
