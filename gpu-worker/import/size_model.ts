/**
 * Cellpose's size model: a line from a style vector to a diameter.
 *
 *   style  n×S f32, of any length   →   diameter  n f32, pixels
 *
 * Source: cellpose 3.1.1.2, class SizeModel; reference section 4.8.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import {
  CorruptImageError,
  ShapeError,
  UnsupportedFormatError,
} from "../../shared/errors.ts";
import {
  buildGraph,
  divide,
  gemm,
  type Graph,
  lengthAlong,
  reshape,
} from "../../shared/graph/mod.ts";
import { isObjectNpy } from "../../shared/image/seg_npy.ts";
import {
  readPickle,
  type Unpickled,
  type UnpickledArray,
} from "../../shared/image/pickle_read.ts";
import { fromValues } from "./weights.ts";

/** No estimate is smaller: the peer's floor, in pixels. */
const SMALLEST = 5;

/** A size model's numbers. */
export interface SizeModel {
  /** S f64 */
  readonly slope: Float64Array;
  /** S f64: the styles' mean in training. */
  readonly styleMean: Float64Array;
  /** Mean of log(diameter / diameterMean) in training. */
  readonly logMean: number;
  /** Pixels. */
  readonly diameterMean: number;
}

/**
 * Read a size model; nothing in it is run.
 *
 * @param path  a `size_….npy`, or `…_size.npy`
 * @throws {UnsupportedFormatError} if it is another file, or names anything
 *   but NumPy's arrays
 * @throws {CorruptImageError} if a number is missing
 */
export function readSizeModel(path: string): SizeModel {
  const bytes = new Uint8Array(readFileSync(path));
  if (!isObjectNpy(bytes)) {
    throw new UnsupportedFormatError("A size model that is no .npy of a dict", [
      "size models of Cellpose 1 to 3",
    ]);
  }
  const view = new DataView(bytes.buffer);
  const start = bytes[6] === 1
    ? 10 + view.getUint16(8, true)
    : 12 + view.getUint32(8, true);
  const content = readPickle(bytes.subarray(start));
  const dict = Array.isArray(content) ? content[0] : content;
  if (!(dict instanceof Map)) throw corrupt("it holds no dict");
  const numbers = (name: string) => {
    const value = dict.get(name);
    if (typeof value === "number") return Float64Array.of(value);
    if (!isArray(value)) throw corrupt(`${name} is missing`);
    return Float64Array.from(value.data as ArrayLike<number>, Number);
  };
  const slope = numbers("A");
  const styleMean = numbers("smean");
  if (slope.length !== styleMean.length) {
    throw corrupt(`A has ${slope.length} numbers, smean ${styleMean.length}`);
  }
  return {
    slope,
    styleMean,
    logMean: numbers("ymean")[0],
    diameterMean: numbers("diam_mean")[0],
  };
}

/**
 * Build the size model's graph.
 *
 * @param channels  of the network's style
 * @throws {ShapeError} if the size model is of another network
 */
export function buildSizeGraph(
  { slope, styleMean, logMean, diameterMean }: SizeModel,
  channels: number,
): Graph {
  if (slope.length !== channels) {
    throw new ShapeError(
      "sizeModel",
      `takes styles of ${slope.length} numbers, the network gives ${channels}`,
    );
  }
  const g = buildGraph("size");
  const style = g.input("style", "f32", ["n", channels]);
  // the mean of styles and of sizes as one number
  const offset = slope.reduce((sum, a, i) => sum - a * styleMean[i], logMean);
  // tiles' styles are added up; the line is of their direction
  const direction = divide(g, style, lengthAlong(g, style, 1));
  const line = gemm(g, direction, {
    weight: g.constant(
      "slope",
      fromValues(Float32Array.from(slope), [1, channels], "f32"),
    ),
    bias: g.constant(
      "offset",
      fromValues(Float32Array.of(offset), [1], "f32"),
    ),
  });
  const log = reshape(g, line, ["n"]);
  const ratio = g.node("Exp", [log], log);
  const scaled = g.node("Mul", [ratio, g.float(diameterMean)], ratio);
  g.output("diameter", g.node("Max", [scaled, g.float(SMALLEST)], scaled));
  return g.finish();
}

function isArray(value: Unpickled | undefined): value is UnpickledArray {
  return typeof value === "object" && value !== null && "data" in value;
}

function corrupt(detail: string): CorruptImageError {
  return new CorruptImageError("size model", detail);
}
