/**
 * How time grows with the area of an image and with the number of its cells.
 *
 * @module
 */
import { join } from "node:path";
import { loadCore } from "../../wasm/mod.ts";
import { openCase } from "./case_folder.ts";
import { makeCase } from "./cases.ts";
import { least } from "./clock.ts";
import { createStages, type Stage, STAGES } from "./ours.ts";
import { ownFlows } from "./prepare.ts";
import type { CaseTimes, Note } from "./result.ts";
import { CROWDS } from "./scene.ts";

/** Exponent b of y = a·xᵇ, by least squares on the logarithms. */
export function fitExponent(
  points: readonly (readonly [number, number])[],
): number {
  const xs = points.map(([x]) => Math.log(x));
  const ys = points.map(([, y]) => Math.log(y));
  const mean = (values: number[]) =>
    values.reduce((a, b) => a + b) / values.length;
  const [mx, my] = [mean(xs), mean(ys)];
  const covariance = xs.reduce((sum, x, i) => sum + (x - mx) * (ys[i] - my), 0);
  return covariance / xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
}

/** Exponents of time over area by stage and program; images only. */
export function fitAreaExponents(
  cases: readonly CaseTimes[],
): Record<string, Record<string, number>> {
  const images = cases.filter(({ name }) => name !== "3d");
  if (images.length < 2) return {};
  return Object.fromEntries(STAGES.map((stage) => {
    const programs = Object.keys(images[0].ms[stage])
      .filter((p) => images.every((c) => c.ms[stage][p] !== undefined));
    const fits = programs.map((program) => [
      program,
      fitExponent(images.map((c) => [c.pixels, c.ms[stage][program]])),
    ]);
    return [stage, Object.fromEntries(fits)];
  }));
}

/** Exponents of the core's time over the number of cells, the size staying. */
export async function fitCellExponents(
  cache: string,
  { rounds, note }: { readonly rounds: number; readonly note: Note },
): Promise<Record<string, number>> {
  const points: Record<Stage, [number, number][]> = {
    masks: [],
    trackCluster: [],
    labelsToFlows: [],
    averagePrecision: [],
  };
  const core = await loadCore();
  for (const [name, { cells }] of Object.entries(CROWDS)) {
    note(`case ${name}`);
    const root = join(cache, "cases", "own");
    const given = await openCase(await makeCase(name, root, ownFlows));
    const stages = createStages(core, given);
    stages.masks();
    for (const stage of STAGES) {
      points[stage].push([cells, least(rounds, stages[stage])]);
    }
  }
  return Object.fromEntries(
    STAGES.map((stage) => [stage, fitExponent(points[stage])]),
  );
}
