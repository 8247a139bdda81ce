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

/** Crops by the names of their images: each is cut once. */
export type Crops = Map<string, Item>;

/** Crops of a draw's test images and of the first `count` others. */
export async function cropDraw(
  lab: Lab,
  { test, tune }: Draw<Item>,
  { count, crops }: { count: number; crops: Crops },
): Promise<Draw<Item>> {
  const folder = join(lab.folder, "crops");
  const cut = async (each: readonly Item[]) => {
    const out: Item[] = [];
    for (const item of each) {
      const crop = crops.get(item.name) ??
        await cropItem(lab.deps.core, item, folder);
      crops.set(item.name, crop);
      out.push(crop);
    }
    return out;
  };
  return { test: await cut(test), tune: await cut(tune.slice(0, count)) };
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
  const crops: Crops = new Map();
  let [left, planned] = [0, 0];
  for (const count of order) {
    for (let draw = 0; draw < budget.draws; draw++) {
      for (const [kind, items] of measurable) {
        const row = rows.get(kind)!;
        const drawn = drawImages(items, draw);
        if (drawn.tune.length < count) continue;
        planned++;
        row.base ??= await trainBase(lab, material, { kind, budget });
        const tuning = row.base && await tuneOnce(lab, row.base, {
          kind,
          draw,
          images: await cropDraw(lab, drawn, { count, crops }),
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
  { kind, draw, images, budget }: {
    kind: string;
    draw: number;
    images: Draw<Item>;
    budget: Budget;
  },
): Promise<Tuning | undefined> {
  const items = images.tune;
  const count = items.length;
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
