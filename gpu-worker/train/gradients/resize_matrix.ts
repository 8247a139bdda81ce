/**
 * Linear interpolation along one axis as a matrix.
 *
 * @module
 */
import { ArgumentError } from "../../../shared/errors.ts";

/** Where a pixel of the large axis lies on the small one. */
const PLACES: Readonly<
  Record<string, (at: number, small: number, large: number) => number>
> = {
  half_pixel: (at, small, large) => (at + 0.5) * small / large - 0.5,
  pytorch_half_pixel: (at, small, large) =>
    large > 1 ? (at + 0.5) * small / large - 0.5 : 0,
  asymmetric: (at, small, large) => at * small / large,
  align_corners: (at, small, large) =>
    large > 1 ? at * (small - 1) / (large - 1) : 0,
};

/**
 * Shares of each pixel of the small axis in each of the large one.
 *
 * @param place   ONNX's name of the placement
 * @param turned  transposed
 * @returns       large×small, or small×large if turned
 *
 * Source: ONNX operator set 20, Resize, mode linear
 */
export function resizeMatrix(
  { small, large, place, turned }: {
    small: number;
    large: number;
    place: string;
    turned: boolean;
  },
): Float32Array {
  const locate = PLACES[place];
  if (locate === undefined) {
    throw new ArgumentError("place", `${place} has no gradient`);
  }
  const matrix = new Float32Array(small * large);
  for (let at = 0; at < large; at++) {
    const exact = Math.min(Math.max(locate(at, small, large), 0), small - 1);
    const left = Math.floor(exact);
    const share = exact - left;
    for (const [column, weight] of [[left, 1 - share], [left + 1, share]]) {
      if (weight === 0) continue;
      matrix[turned ? column * large + at : at * small + column] += weight;
    }
  }
  return matrix;
}
