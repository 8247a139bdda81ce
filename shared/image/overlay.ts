/**
 * Labels over images: outlines and colored areas, in RGB pictures.
 *
 * Convention of our pictures: truth is a solid purple line, a prediction a
 * dashed yellow one, so that both are seen where they coincide.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import { checkLength, type LabelArray } from "../ndarray.ts";
import type { Color, Picture } from "./types.ts";

/** How a line is drawn. */
export interface LineStyle {
  readonly color: Color;
  /** Length of dashes and gaps in pixels of the picture, up to 2× where the
   * line runs down; 0: solid. */
  readonly dash?: number;
  /** Width in pixels of the picture, inside the label; default 1. */
  readonly thickness?: number;
}

/** Truth: solid purple. */
export const TRUTH: LineStyle = { color: [190, 80, 255] };

/** Prediction: dashed yellow. */
export const PREDICTION: LineStyle = { color: [255, 225, 25], dash: 4 };

/**
 * Draw the outlines of labels over a picture.
 *
 * The line runs inside each label, along every side where the neighboring
 * pixel has another label; a label's side on the image's edge counts. The
 * picture may be enlarged: its edges are `scale` times those of the masks.
 *
 * @param picture  drawn into a copy
 * @param masks    labels, H×W, where the picture is (scale·H)×(scale·W)
 * @throws {ArgumentError} if the sizes do not fit
 */
export function drawOutlines(
  picture: Picture,
  masks: LabelArray,
  { color, dash = 0, thickness = 1 }: LineStyle = TRUTH,
): Picture {
  const { scale, height, width } = fit(picture, masks);
  const out = { ...picture, data: picture.data.slice() };
  const line = Math.min(thickness, scale);
  const at = (y: number, x: number) =>
    y < 0 || x < 0 || y >= height || x >= width ? 0 : masks[y * width + x];

  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const label = masks[y * width + x];
      if (label === 0) continue;
      const [top, bottom] = [at(y - 1, x) !== label, at(y + 1, x) !== label];
      const [left, right] = [at(y, x - 1) !== label, at(y, x + 1) !== label];
      for (let v = 0; v < scale; v++) {
        for (let u = 0; u < scale; u++) {
          const isOnTop = top && v < line;
          const isOnBottom = bottom && v >= scale - line;
          const isOnLeft = left && u < line;
          const isOnRight = right && u >= scale - line;
          if (!(isOnTop || isOnBottom || isOnLeft || isOnRight)) continue;
          const py = y * scale + v;
          const px = x * scale + u;
          // 2x + y changes along each of the 8 directions a line can take
          const phase = (2 * px + py) % (4 * dash);
          if (dash > 0 && phase >= 2 * dash) continue;
          out.data.set(color, (py * picture.width + px) * 3);
        }
      }
    }
  }
  return out;
}

/**
 * Color the area of each label over a picture; neighbors differ in hue.
 *
 * @param picture  drawn into a copy
 * @param masks    labels, H×W, where the picture is (scale·H)×(scale·W)
 * @param opacity  0 (picture only) to 1 (color only); 0.5 shows both
 */
export function drawLabels(
  picture: Picture,
  masks: LabelArray,
  opacity = 0.5,
): Picture {
  const { scale, width } = fit(picture, masks);
  const data = picture.data.slice();
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++) {
      const row = Math.floor(y / scale) * width;
      const label = masks[row + Math.floor(x / scale)];
      if (label === 0) continue;
      const color = colorOf(label);
      const to = (y * picture.width + x) * 3;
      for (let c = 0; c < 3; c++) {
        data[to + c] += Math.round((color[c] - data[to + c]) * opacity);
      }
    }
  }
  return { ...picture, data };
}

/** Color of a label: hues a golden angle apart, so that near ids differ. */
export function colorOf(label: number): Color {
  const hue = (label * 0.618033988749895) % 1 * 6;
  const value = label % 3 === 0 ? 200 : 255;
  const channel = (shift: number) => {
    const k = (shift + hue) % 6;
    const part = Math.max(0, Math.min(1, Math.min(k, 4 - k)));
    return Math.round(value * (1 - 0.8 * part));
  };
  return [channel(5), channel(3), channel(1)];
}

function fit(picture: Picture, masks: LabelArray) {
  const scale = Math.sqrt(picture.height * picture.width / masks.length);
  if (
    !Number.isInteger(scale) || picture.height % scale !== 0 ||
    picture.width % scale !== 0
  ) {
    throw new ArgumentError(
      "masks",
      `${masks.length} labels do not fit a picture of ${picture.height}×${picture.width}`,
    );
  }
  const height = picture.height / scale;
  const width = picture.width / scale;
  checkLength("masks", masks, height * width);
  return { scale, height, width };
}
