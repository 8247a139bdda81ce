/**
 * Shapes with named edges: what an operation makes of them.
 *
 * @module
 */
import { ShapeError } from "../errors.ts";
import type { Dim } from "./types.ts";

/** A shape in words, such as `n×3×256×256`. */
export function spellShape(shape: readonly Dim[]): string {
  return shape.length === 0 ? "scalar" : shape.join("×");
}

/**
 * Shape of an element-wise result.
 *
 * @throws {ShapeError} if two edges differ and neither is 1
 */
export function broadcast(
  a: readonly Dim[],
  b: readonly Dim[],
): readonly Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = a[i - rank + a.length] ?? 1;
    const right = b[i - rank + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new ShapeError(
      "shape",
      `${spellShape(a)} does not fit ${spellShape(b)}`,
    );
  });
}

/** Product of edges; a name where one of them is unknown. */
export function product(dims: readonly Dim[]): Dim {
  const number = dims.filter((d) => typeof d === "number")
    .reduce((x, y) => x * y, 1);
  const names = dims.filter((d) => typeof d === "string");
  if (names.length === 0) return number;
  return [...names, ...(number === 1 ? [] : [number])].join("*");
}

/** An edge changed by arithmetic; a name where it is unknown. */
export function mapDim(
  dim: Dim,
  change: (edge: number) => number,
  name: (edge: string) => string,
): Dim {
  return typeof dim === "number" ? change(dim) : name(dim);
}

/**
 * Require an edge that is known.
 *
 * @throws {ShapeError} with `what`
 */
export function knownDim(dim: Dim | undefined, what: string): number {
  if (typeof dim === "number") return dim;
  throw new ShapeError(what, `must be known, is ${dim ?? "missing"}`);
}

/** An axis counted from the end if negative. */
export function axisOf(shape: readonly Dim[], axis: number): number {
  const at = axis < 0 ? axis + shape.length : axis;
  if (at < 0 || at >= shape.length) {
    throw new ShapeError("axis", `${axis} is not in ${spellShape(shape)}`);
  }
  return at;
}
