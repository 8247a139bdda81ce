/**
 * The lights in which bacteria are seen.
 *
 * @module
 */
import { smoothNoise } from "../../fields.ts";
import type { Random } from "../../random.ts";
import { addDust } from "../camera.ts";
import { type Drawn, MILD } from "../kind.ts";
import { drawRings, measureThickness, showPhase } from "../phase.ts";
import { soften } from "../planes.ts";
import type { Cells } from "../sketch.ts";

/** Show bacteria by chance in phase contrast, brightfield or fluorescence. */
export function lightBacteria(
  random: Random,
  cells: Cells,
  width: number,
): Drawn {
  const { size } = cells;
  const mode = random.uniform();
  const planes = mode < 0.55
    ? [shadePhase(random, cells, width)]
    : mode < 0.75
    ? [shadeBrightfield(random, cells, width)]
    : [glow(random, cells, width)];
  if (random.uniform() < 0.3) {
    const to = mode < 0.75 ? random.between(0.1, 0.8) : 0.8;
    const range = [1, 0.35 * width] as const;
    addDust(random, planes, {
      size,
      count: random.below(12),
      range,
      to: [to],
    });
  }
  return { cells, planes, faults: { ...MILD, blur: [0.3, 0.13 * width] } };
}

function shadePhase(random: Random, cells: Cells, width: number) {
  const thickness = measureThickness(cells, width * 0.08, 0.35);
  const texture = smoothNoise(random, cells.size, Math.max(3, width / 3));
  const spots = random.between(0, 0.3);
  for (let i = 0; i < thickness.length; i++) {
    thickness[i] *= 1 + spots * (texture[i] - 0.5);
  }
  const sign = random.uniform() < 0.88 ? -1 : 1;
  const plane = showPhase(thickness, cells.size, {
    background: sign < 0 ? random.between(0.4, 0.65) : random.between(0.2, 0.4),
    contrast: sign * random.between(0.2, 0.6),
    halo: width * random.between(0.6, 2.2),
    share: random.between(0.3, 0.95),
  });
  const waves = smoothNoise(random, cells.size, 40);
  return plane.map((value, i) => value + 0.06 * (waves[i] - 0.5));
}

function shadeBrightfield(random: Random, cells: Cells, width: number) {
  const thickness = measureThickness(cells, width * 0.1, 0.3);
  const sign = random.uniform() < 0.8 ? -1 : 1;
  const rings = drawRings(cells, {
    spacing: Math.max(1, width * random.between(0.12, 0.2)),
    first: sign * random.between(0.2, 0.5),
    inner: -sign * random.between(0, 0.25),
    outer: -sign * random.between(0, 0.2),
  });
  const inside = sign * random.between(0, 0.45);
  const background = random.between(0.5, 0.97);
  const fine = smoothNoise(random, cells.size, 6);
  return rings.map((value, i) =>
    background + value + inside * thickness[i] + 0.05 * (fine[i] - 0.5)
  );
}

function glow(random: Random, cells: Cells, width: number) {
  const { labels, tints, depth, size } = cells;
  const atMembrane = random.uniform() < 0.3;
  const texture = smoothNoise(random, size, Math.max(3, width / 2));
  const gain = random.between(0.1, 0.8);
  const plane = depth.map((d, i) => {
    if (d === 0) return 0;
    const shape = atMembrane
      ? 0.3 + 1 / (1 + d * d / 3)
      : d / (d + 0.2 * width);
    return gain * (0.4 + tints[labels[i]]) * shape * (0.7 + 0.6 * texture[i]);
  });
  const haze = soften(plane, size, width * random.between(0.5, 1.5));
  const share = random.between(0, 0.4);
  const background = random.between(0.01, 0.1);
  return plane.map((value, i) => background + value + share * haze[i]);
}
