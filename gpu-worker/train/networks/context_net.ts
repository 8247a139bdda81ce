/**
 * Design (c): most of the work at 1/4 and 1/8, where wide maps are cheap, with
 * dilated kernels for context; one join at 1/2 keeps edges sharp.
 *
 * Source: Yu and Koltun 2016 (dilated kernels); Shi et al. 2016 (the head's
 * kernel for each finer pixel).
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
import { residual } from "./residual_unet.ts";

/** Channels at 1/2, 1/4, 1/8, and within the blocks at 1/8. */
const [HALF, QUARTER, EIGHTH, INNER] = [16, 32, 96, 48];
/** Distances of the taps, a block at 1/8 each. */
const DILATIONS = [1, 2, 4, 1, 2, 4, 1];

/** The design. */
export const contextNet: Design = {
  name: "context-net",
  summary:
    "wide bottleneck at 1/8 with dilated kernels, one join at 1/4 and 1/2",
  readsDeepest: "up1",
  deepestStride: 8,
  outputs: FLOW_OUTPUTS,
  build({ seed }) {
    const { parts, x } = startParts("context-net", seed);
    const { g } = parts;
    const half = convRelu(parts, x, {
      name: "stem",
      channels: HALF,
      edge: 4,
      stride: 2,
    });
    let quarter = convRelu(parts, half, {
      name: "down1",
      channels: QUARTER,
      edge: 4,
      stride: 2,
    });
    quarter = residual(parts, quarter, "quarter");
    let y = convRelu(parts, quarter, {
      name: "down2",
      channels: EIGHTH,
      edge: 2,
      stride: 2,
    });
    for (const [i, dilation] of DILATIONS.entries()) {
      y = context(parts, y, { name: `context${i}`, dilation });
    }
    y = convNorm(parts, y, { name: "up1", channels: QUARTER, edge: 1 });
    y = relu(g, joinFiner(parts, y, quarter));
    y = residual(parts, y, "join1");
    y = convNorm(parts, y, { name: "up0", channels: HALF, edge: 1 });
    y = relu(g, joinFiner(parts, y, half));
    y = convRelu(parts, y, { name: "join0", channels: HALF });
    g.output("y", head(parts, y, FLOW_OUTPUTS.length));
    return g.finish();
  },
};

/** Narrow, look around, widen; beside the map itself. */
function context(
  parts: Parts,
  x: Value,
  { name, dilation }: { name: string; dilation: number },
): Value {
  let y = convRelu(parts, x, {
    name: `${name}.narrow`,
    channels: INNER,
    edge: 1,
  });
  y = convRelu(parts, y, { name: `${name}.look`, channels: INNER, dilation });
  y = convNorm(parts, y, {
    name: `${name}.widen`,
    channels: EIGHTH,
    edge: 1,
    startsAtZero: true,
  });
  return relu(parts.g, add(parts.g, x, y));
}
