/**
 * AP50 against faults of the image and against a wrong diameter.
 *
 * @module
 */
import type { Core } from "../../../wasm/mod.ts";
import { type Statistic, summarize } from "../statistics.ts";
import type { LabelledImage } from "./images.ts";
import { type Fault, FAULTS, STRENGTHS } from "./perturb.ts";
import type { NamedSegmenter } from "./segmenters.ts";

/** Factors on the true diameter. */
export const DIAMETER_FACTORS = [0.5, 0.7, 1, 1.4, 2] as const;

/** AP50 of one method at one strength, over images. */
export interface RobustnessPoint {
  readonly fault: Fault | "diameter";
  readonly strength: number;
  readonly method: string;
  readonly ap50: Statistic;
}

/** Median diameter of true cells, pixels: 2√(area/π); 0 without cells. */
export function trueDiameter({ truth }: LabelledImage): number {
  const areas = new Map<number, number>();
  for (const label of truth) areas.set(label, (areas.get(label) ?? 0) + 1);
  areas.delete(0);
  const sorted = [...areas.values()].sort((a, b) => a - b);
  if (sorted.length === 0) return 0;
  return 2 * Math.sqrt(sorted[sorted.length >> 1] / Math.PI);
}

/**
 * Measure every method on every image under every fault.
 *
 * Networks are told the true median diameter, times the factor where that is
 * what is varied; images without cells tell nothing and are left out.
 */
export async function runRobustness(
  core: Core,
  images: readonly LabelledImage[],
  methods: readonly NamedSegmenter[],
): Promise<RobustnessPoint[]> {
  const cases: (Pick<RobustnessPoint, "fault" | "strength">)[] = [
    ...DIAMETER_FACTORS.map((strength) => ({
      fault: "diameter" as const,
      strength,
    })),
    ...(Object.keys(FAULTS) as Fault[]).flatMap((fault) =>
      STRENGTHS[fault].map((strength) => ({ fault, strength }))
    ),
  ];
  const out: RobustnessPoint[] = [];
  for (const { fault, strength } of cases) {
    for (const { name, segment } of methods) {
      const aps: number[] = [];
      for (const image of images) {
        const changed = fault === "diameter"
          ? image
          : FAULTS[fault](image, strength);
        const factor = fault === "diameter" ? strength : 1;
        const diameter = trueDiameter(changed) * factor;
        if (diameter === 0) continue;
        const masks = await segment(changed, { diameter });
        const [{ ap }] = core.averagePrecision(
          changed.truth,
          masks,
          changed.size,
          [0.5],
        );
        aps.push(ap);
      }
      if (aps.length > 0) {
        out.push({ fault, strength, method: name, ap50: summarize(aps) });
      }
    }
  }
  return out;
}
