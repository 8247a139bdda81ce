/**
 * The baseline: a plain U-Net of pairs of convolutions, joined by
 * concatenation, that tells the cell probability only. Cells are what hangs
 * together above one half.
 *
 * Source: Ronneberger et al. 2015.
 * Differs: norms, padding, fewer channels for the same budget as the designs.
 *
 * @module
 */
import {
  concat,
  maxPool2,
  upsampleNearest,
  type Value,
} from "../../../shared/graph/mod.ts";
import type { Design } from "./design.ts";
import { convRelu, type Parts, pointwise, startParts } from "./parts.ts";

/** Channels at 1, 1/2, 1/4, 1/8, 1/16 of the image. */
const WIDTHS = [8, 12, 24, 48, 80];

/** The baseline. */
export const plainUnet: Design = {
  name: "plain-unet",
  summary: "plain U-Net (semantic), the baseline",
  readsDeepest: "up3.narrow",
  deepestStride: 16,
  outputs: ["cellprob"],
  build({ seed }) {
    const { parts, x } = startParts("plain-unet", seed);
    const { g } = parts;
    let y = x;
    const maps: Value[] = [];
    for (const [level, channels] of WIDTHS.entries()) {
      if (level > 0) y = maxPool2(g, y);
      y = pair(parts, y, { name: `down${level}`, channels });
      maps.push(y);
    }
    for (let level = WIDTHS.length - 2; level >= 0; level--) {
      const narrow = convRelu(parts, y, {
        name: `up${level}.narrow`,
        channels: WIDTHS[level],
        edge: 1,
      });
      const doubled = upsampleNearest(g, narrow);
      // edges halved and doubled again are those of the map beside them
      const shape = [...maps[level].shape];
      const joined = concat(g, [maps[level], { ...doubled, shape }], 1);
      y = pair(parts, joined, { name: `up${level}`, channels: WIDTHS[level] });
    }
    g.output("y", pointwise(parts, y, { name: "head", channels: 1 }));
    return g.finish();
  },
};

function pair(
  parts: Parts,
  x: Value,
  { name, channels }: { name: string; channels: number },
): Value {
  const first = convRelu(parts, x, { name: `${name}.first`, channels });
  return convRelu(parts, first, { name: `${name}.second`, channels });
}
