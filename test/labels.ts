/** Label images for tests: run lengths, pictures in text, random ones. */
import fc from "fast-check";
import { isVolume, type Size } from "../shared/ndarray.ts";

/** Labels from run lengths: label, pixels, label, pixels, … */
export function fromRuns(runs: readonly number[]): Uint32Array {
  const out: number[] = [];
  for (let k = 0; k < runs.length; k += 2) {
    for (let i = 0; i < runs[k + 1]; i++) out.push(runs[k]);
  }
  return Uint32Array.from(out);
}

/** Labels and size of a picture: one digit a pixel, "." is background. */
export function fromPicture(picture: string) {
  const rows = picture.trim().split("\n").map((row) => row.trim());
  return {
    masks: Uint32Array.from(
      [...rows.join("")].map((c) => c === "." ? 0 : Number(c)),
    ),
    size: { height: rows.length, width: rows[0].length },
  };
}

/** The picture of labels below 10. */
export function toPicture(masks: Uint32Array, size: Size): string[] {
  return Array.from(
    { length: masks.length / size.width },
    (_, y) =>
      [...masks.subarray(y * size.width, (y + 1) * size.width)]
        .map((label) => label === 0 ? "." : String(label)).join(""),
  );
}

/** H×W or D×H×W from two or three edges. */
export function toSize(shape: readonly number[]): Size {
  const [width, height, depth] = [...shape].reverse();
  return depth === undefined ? { height, width } : { depth, height, width };
}

/** D×H×W, depth 1 for an image. */
export function toShape(size: Size): [number, number, number] {
  return [isVolume(size) ? size.depth : 1, size.height, size.width];
}

/** A small random label image or volume; labels touch, nest, have gaps. */
export const labelImages: fc.Arbitrary<{ masks: Uint32Array; size: Size }> = fc
  .oneof(
    fc.tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 14 })),
    fc.tuple(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 6 }),
    ),
  )
  .chain((shape) => {
    const n = shape.reduce<number>((a, b) => a * b, 1);
    const palette = fc.constantFrom(
      [0, 1],
      [0, 0, 0, 1, 2],
      [1, 1, 1, 0],
      [1, 1, 1, 1, 2, 0],
      [7, 3, 7, 7],
      [0, 5, 70000, 2 ** 31 - 1],
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    return palette.chain((labels) =>
      fc.array(fc.constantFrom(...labels), { minLength: n, maxLength: n })
    ).map((masks) => ({
      masks: Uint32Array.from(masks),
      size: toSize(shape),
    }));
  });
