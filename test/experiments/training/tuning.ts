/**
 * Tables 5 and 6, Figures 8 and 9: fine-tuning on a few images of a kind that
 * the base model has never seen.
 *
 * @module
 */
import { join } from "node:path";
import { type Budget, scratchOptions, tuneOptions } from "./budget.ts";
import { cropItem } from "./crops.ts";
import {
  COUNTS,
  type Draw,
  drawImages,
  leaveOut,
  sortKinds,
  TUNED,
} from "./draws.ts";
import { type Item, type Lab, meanAp, type Trained } from "./lab.ts";

/** One fine-tuning. */
export interface Tuning {
  readonly draw: number;
  /** Images that were corrected, and their cells. */
  readonly images: number;
  readonly cells: number;
  /** Mean AP50 on the test images. */
  readonly before: number;
  readonly after: number;
  /** What the guard leaves: the tuned model or its parent. */
  readonly guarded?: number;
  readonly losses: readonly number[];
  readonly seconds: number;
}

/** One kind. */
export interface KindTunings {
  readonly kind: string;
  /** In all folders. */
  readonly images: number;
  readonly base: { readonly steps: number; readonly seconds: number };
  readonly tunings: readonly Tuning[];
}

/** What became of all kinds. */
export interface TuningResults {
  readonly kinds: readonly KindTunings[];
  /** Too few images. */
  readonly unmeasurable: readonly {
    readonly kind: string;
    readonly images: number;
  }[];
  /** Trainings that there was no time for, and those in all. */
  readonly left: number;
  readonly planned: number;
}

/** Images of the experiment. */
export interface Material {
  /** Base models learn from these. */
  readonly base: readonly Item[];
  /** Fine-tunings and tests draw from these. */
  readonly all: readonly Item[];
}

/** A base model that has not seen a kind. */
export function trainBase(
  lab: Lab,
  { base }: Material,
  { kind, budget }: { kind: string; budget: Budget },
): Promise<Trained | undefined> {
  return lab.train({
    name: `base without ${kind}`,
    items: leaveOut(base, kind),
    options: scratchOptions(budget, budget.network),
  });
}

/** Crops of a draw of a kind's images. */
export async function cropDraw(
  lab: Lab,
  items: readonly Item[],
  draw: number,
): Promise<Draw<Item>> {
  const { test, tune } = drawImages(items, draw);
  const cut = async (each: readonly Item[]) => {
    const crops: Item[] = [];
    for (const item of each) {
      crops.push(
        await cropItem(lab.deps.core, item, join(lab.folder, "crops")),
      );
    }
    return crops;
  };
  return { test: await cut(test), tune: await cut(tune) };
}

/** Kinds that are asked for, and have images enough. */
export function chosenKinds({ all }: Material, { kind }: Budget) {
  const kinds = sortKinds(all.filter(({ facts }) => facts.cells > 0));
  return {
    ...kinds,
    measurable: new Map(
      [...kinds.measurable].filter(([name]) => name.includes(kind)),
    ),
  };
}

/**
 * Run it: first five images of every kind, draw by draw, then the other
 * numbers of images.
 */
export async function runTuning(
  lab: Lab,
  material: Material,
  budget: Budget,
): Promise<TuningResults> {
  const { measurable, others } = chosenKinds(material, budget);
  const rows = new Map<
    string,
    { base?: Trained | undefined; tunings: Tuning[] }
  >(
    [...measurable.keys()].map((kind) => [kind, { tunings: [] }]),
  );
  const order = [TUNED, ...COUNTS.filter((count) => count !== TUNED)];
  let [left, planned] = [0, 0];
  for (const count of order) {
    for (let draw = 0; draw < budget.draws; draw++) {
      for (const [kind, items] of measurable) {
        const row = rows.get(kind)!;
        row.base ??= await trainBase(lab, material, { kind, budget });
        const images = await cropDraw(lab, items, draw);
        if (images.tune.length < count) continue;
        planned++;
        const tuning = row.base && await tuneOnce(lab, row.base, {
          kind,
          count,
          draw,
          images,
          budget,
        });
        if (tuning === undefined) left++;
        else row.tunings.push(tuning);
      }
    }
  }
  return {
    kinds: [...rows].map(([kind, { base, tunings }]) => ({
      kind,
      images: measurable.get(kind)!.length,
      base: { steps: base?.steps ?? 0, seconds: base?.seconds ?? 0 },
      tunings,
    })),
    unmeasurable: others,
    left,
    planned,
  };
}

async function tuneOnce(
  lab: Lab,
  base: Trained,
  { kind, count, draw, images, budget }: {
    kind: string;
    count: number;
    draw: number;
    images: Draw<Item>;
    budget: Budget;
  },
): Promise<Tuning | undefined> {
  const items = images.tune.slice(0, count);
  const hasGuard = count === TUNED && draw < budget.guarded;
  const tuned = await lab.train({
    name: `tuned on ${count} of ${kind}, draw ${draw}`,
    items,
    options: tuneOptions(budget, base.folder),
    hasGuard,
  });
  if (tuned === undefined) return undefined;
  const before = meanAp(await lab.score(base.folder, images.test));
  const after = meanAp(await lab.score(tuned.folder, images.test));
  return {
    draw,
    images: count,
    cells: items.reduce((sum, { facts }) => sum + facts.cells, 0),
    before,
    after,
    ...(hasGuard ? { guarded: tuned.isAdopted ? after : before } : {}),
    losses: tuned.losses,
    seconds: tuned.seconds,
  };
}
