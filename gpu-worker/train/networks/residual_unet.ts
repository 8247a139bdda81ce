/**
 * Design (a): a U-Net of plain residual blocks, from half resolution down.
 *
 * The first convolution halves the image and the head doubles it back, since
 * at full resolution the same operations cost four times as much.
 *
 * Source: Ronneberger et al. 2015 (U-Net); He et al. 2016 (residual blocks).
 *
 * @module
 */
import { add, relu, type Value } from "../../../shared/graph/mod.ts";
import { type Design, FLOW_OUTPUTS } from "./design.ts";
import {
  convNorm,
  convRelu,
  head,
  joinFiner,
  type Parts,
  startParts,
} from "./parts.ts";

/** Channels at 1/2, 1/4, 1/8, 1/16 of the image. */
const WIDTHS = [16, 32, 48, 80];

/** The design. */
export const residualUnet: Design = {
  name: "residual-unet",
  summary: "U-Net of plain residual blocks at 1/2 to 1/16",
  readsDeepest: "up2.narrow",
  deepestStride: 16,
  outputs: FLOW_OUTPUTS,
  build({ seed }) {
    const { parts, x } = startParts("residual-unet", seed);
    let y = convRelu(parts, x, {
      name: "stem",
      channels: WIDTHS[0],
      edge: 4,
      stride: 2,
    });
    const maps: Value[] = [];
    for (const [level, channels] of WIDTHS.entries()) {
      if (level > 0) {
        y = convRelu(parts, y, {
          name: `down${level}.stride`,
          channels,
          edge: 2,
          stride: 2,
        });
      }
      y = residual(parts, y, `down${level}.0`);
      if (level === WIDTHS.length - 1) y = residual(parts, y, `down${level}.1`);
      maps.push(y);
    }
    for (let level = WIDTHS.length - 2; level >= 0; level--) {
      const narrow = convNorm(parts, y, {
        name: `up${level}.narrow`,
        channels: WIDTHS[level],
        edge: 1,
      });
      y = relu(parts.g, joinFiner(parts, narrow, maps[level]));
      y = residual(parts, y, `up${level}.0`);
    }
    parts.g.output("y", head(parts, y, FLOW_OUTPUTS.length));
    return parts.g.finish();
  },
};

/** Two convolutions beside the map itself. */
export function residual(parts: Parts, x: Value, name: string): Value {
  const channels = Number(x.shape[1]);
  const first = convRelu(parts, x, { name: `${name}.first`, channels });
  const second = convNorm(parts, first, {
    name: `${name}.second`,
    channels,
    startsAtZero: true,
  });
  return relu(parts.g, add(parts.g, x, second));
}
