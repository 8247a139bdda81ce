/**
 * The shape of Cellpose's own network, CPnet: four levels of two residual
 * pairs each, maps joined by addition, and a style, the deepest map's means,
 * that shifts every convolution on the way up. For the comparison of Table 1.
 *
 * Source: Stringer et al. 2021, Methods; cellpose 3.1.1 `resnet_torch.CPnet`.
 * Differs: norms follow convolutions, so that they can be folded; fewer
 * channels (theirs are 32 to 256), for the budget of the designs.
 *
 * @module
 */
import {
  add,
  channelMeans,
  divide,
  gemm,
  lengthAlong,
  maxPool2,
  relu,
  reshape,
  upsampleNearest,
  type Value,
} from "../../../shared/graph/mod.ts";
import { type Design, FLOW_OUTPUTS } from "./design.ts";
import {
  convNorm,
  convRelu,
  drawLinear,
  type Parts,
  pointwise,
  startParts,
} from "./parts.ts";

/** Channels at 1, 1/2, 1/4, 1/8 of the image. */
const WIDTHS = [5, 10, 20, 38];

/** CPnet's shape at the designs' cost. */
export const cpnet: Design = {
  name: "cpnet",
  summary: "residual pairs, sums, a style: Cellpose's CPnet, narrower",
  readsDeepest: "up3.first",
  deepestStride: 8,
  outputs: FLOW_OUTPUTS,
  build({ seed }) {
    const { parts, x } = startParts("cpnet", seed);
    const { g } = parts;
    const maps: Value[] = [];
    for (const [level, channels] of WIDTHS.entries()) {
      const from = level === 0 ? x : maxPool2(g, maps[level - 1]);
      maps.push(goDown(parts, from, { name: `down${level}`, channels }));
    }
    const means = channelMeans(g, maps.at(-1)!);
    // an empty image has no style
    const length = add(g, lengthAlong(g, means, 1), g.float(1e-6));
    const style = divide(g, means, length);
    let y = maps.at(-1)!;
    for (let level = WIDTHS.length - 1; level >= 0; level--) {
      const skip = maps[level];
      if (level < WIDTHS.length - 1) {
        // edges halved and doubled again are those of the map beside them
        const shape = [y.shape[0], y.shape[1], ...skip.shape.slice(2)];
        y = { ...upsampleNearest(g, y), shape };
      }
      y = goUp(parts, y, { name: `up${level}`, skip, style });
    }
    const channels = FLOW_OUTPUTS.length;
    g.output("y", pointwise(parts, y, { name: "head", channels }));
    return g.finish();
  },
};

function goDown(
  parts: Parts,
  x: Value,
  { name, channels }: { name: string; channels: number },
): Value {
  const { g } = parts;
  const block = (from: Value, place: string, isLast: boolean) =>
    (isLast ? convNorm : convRelu)(parts, from, {
      name: `${name}.${place}`,
      channels,
    });
  const beside = convNorm(parts, x, {
    name: `${name}.beside`,
    channels,
    edge: 1,
  });
  const pair = block(block(x, "first", false), "second", true);
  const half = relu(g, add(g, beside, pair));
  return relu(
    g,
    add(g, half, block(block(half, "third", false), "fourth", true)),
  );
}

function goUp(
  parts: Parts,
  x: Value,
  { name, skip, style }: { name: string; skip: Value; style: Value },
): Value {
  const { g } = parts;
  const channels = Number(skip.shape[1]);
  const styled = (from: Value, place: string) => {
    const { weight, bias } = drawLinear(parts, `${name}.${place}.style`, {
      from: Number(style.shape[1]),
      to: channels,
    });
    const shift = gemm(g, style, { weight, bias });
    const shifted = add(
      g,
      from,
      reshape(g, shift, [shift.shape[0], channels, 1, 1]),
    );
    return convNorm(parts, shifted, { name: `${name}.${place}`, channels });
  };
  const first = convRelu(parts, x, { name: `${name}.first`, channels });
  const beside = convNorm(parts, x, {
    name: `${name}.beside`,
    channels,
    edge: 1,
  });
  const half = relu(g, add(g, beside, styled(add(g, first, skip), "second")));
  const third = relu(g, styled(half, "third"));
  return relu(g, add(g, half, styled(third, "fourth")));
}
