/**
 * The lengths between which flows are shown, of flows that come in parts.
 *
 * @module
 */
import { rankOf, SHOWN } from "./flow_picture.ts";

/** Values of half of the bits of a length. */
const HALF = 2 ** 16;

/**
 * Find the percentiles that `drawFlows` takes, exactly, in two passes: lengths
 * are counted by the upper half of their bits, then those of the percentiles
 * by the lower half.
 *
 * @param pixels  of the image
 * @param parts   all flows, 2×n f32 each (dY, dX); asked for twice
 */
export async function findFlowRange(
  pixels: number,
  parts: () => AsyncIterable<Float32Array>,
): Promise<[low: number, high: number]> {
  const ranks = SHOWN.map((part) => rankOf(part, pixels));
  const upper = new Uint32Array(HALF);
  for await (const flows of parts()) {
    for (const bits of measureBits(flows)) upper[bits >>> 16]++;
  }
  const places = ranks.flatMap(({ below, above }) =>
    [below, above].map((rank) => locate(upper, rank))
  );
  const lower = new Map(
    places.map(({ value }) => [value, new Uint32Array(HALF)]),
  );
  for await (const flows of parts()) {
    for (const bits of measureBits(flows)) {
      const counts = lower.get(bits >>> 16);
      if (counts !== undefined) counts[bits & (HALF - 1)]++;
    }
  }
  const lengths = places.map(({ value, rest }) => {
    const counts = lower.get(value) ?? upper;
    const bits = value * HALF + locate(counts, rest).value;
    return new Float32Array(Uint32Array.of(bits).buffer)[0];
  });
  const [low, high] = ranks.map(({ weight }, i) => {
    const [below, above] = lengths.slice(2 * i, 2 * i + 2);
    return below + (above - below) * weight;
  });
  return [low, high];
}

/** Lengths as bits, which are in the order of the lengths. */
function measureBits(flows: Float32Array): Uint32Array {
  const count = flows.length / 2;
  const lengths = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const [dy, dx] = [flows[i], flows[count + i]];
    lengths[i] = Math.sqrt(dy * dy + dx * dx);
  }
  return new Uint32Array(lengths.buffer);
}

/** The value of a rank, and its rank among those that are alike. */
function locate(counts: Uint32Array, rank: number) {
  let rest = rank;
  let value = 0;
  while (value < counts.length - 1 && rest >= counts[value]) {
    rest -= counts[value++];
  }
  return { value, rest };
}
