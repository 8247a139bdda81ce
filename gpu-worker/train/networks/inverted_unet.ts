/**
 * Design (b): a U-Net of inverted residuals, which mix channels by 1×1 kernels
 * and pixels by 5×5 kernels of one channel each.
 *
 * Source: Sandler et al. 2018 (MobileNetV2).
 *
 * @module
 */
import { add, type Value } from "../../../shared/graph/mod.ts";
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
const WIDTHS = [16, 32, 64, 96];
/** Blocks of each on the way down, and on the way up. */
const DOWN = [1, 1, 3, 4];
const UP = [1, 1, 2];
/** Inner channels a channel, by level. */
const EXPANSION = [2, 3, 4, 4];

/** The design. */
export const invertedUnet: Design = {
  name: "inverted-unet",
  summary: "U-Net of inverted residuals (depthwise 5×5) at 1/2 to 1/16",
  readsDeepest: "up2.narrow",
  deepestStride: 16,
  outputs: FLOW_OUTPUTS,
  build({ seed }) {
    const { parts, x } = startParts("inverted-unet", seed);
    let y = convRelu(parts, x, {
      name: "stem",
      channels: WIDTHS[0],
      edge: 4,
      stride: 2,
    });
    const maps: Value[] = [];
    for (const [level, channels] of WIDTHS.entries()) {
      if (level > 0) {
        y = convNorm(parts, y, {
          name: `down${level}.stride`,
          channels,
          edge: 2,
          stride: 2,
        });
      }
      for (let i = 0; i < DOWN[level]; i++) {
        y = inverted(parts, y, {
          name: `down${level}.${i}`,
          expansion: EXPANSION[level],
        });
      }
      maps.push(y);
    }
    for (let level = WIDTHS.length - 2; level >= 0; level--) {
      const narrow = convNorm(parts, y, {
        name: `up${level}.narrow`,
        channels: WIDTHS[level],
        edge: 1,
      });
      y = joinFiner(parts, narrow, maps[level]);
      for (let i = 0; i < UP[level]; i++) {
        y = inverted(parts, y, {
          name: `up${level}.${i}`,
          expansion: EXPANSION[level],
        });
      }
    }
    y = convRelu(parts, y, { name: "last", channels: 32, edge: 1 });
    parts.g.output("y", head(parts, y, FLOW_OUTPUTS.length));
    return parts.g.finish();
  },
};

function inverted(
  parts: Parts,
  x: Value,
  { name, expansion }: { name: string; expansion: number },
): Value {
  const channels = Number(x.shape[1]);
  const inner = expansion * channels;
  let y = convRelu(parts, x, {
    name: `${name}.expand`,
    channels: inner,
    edge: 1,
  });
  y = convRelu(parts, y, {
    name: `${name}.mix`,
    channels: inner,
    edge: 5,
    isDepthwise: true,
  });
  y = convNorm(parts, y, {
    name: `${name}.project`,
    channels,
    edge: 1,
    startsAtZero: true,
  });
  return add(parts.g, x, y);
}
