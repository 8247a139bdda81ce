/**
 * Table 1 with networks of the same data and budget: a plain U-Net, a
 * CPnet-shaped network and ours.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../../gpu-worker/train/train_model.ts";
import type { PromptModel } from "../../../shared/pipeline/prompt_model.ts";
import { withoutFlows } from "../baselines.ts";
import type { LabelledImage } from "../model/images.ts";
import {
  type NamedSegmenter,
  segmentByFlows,
  segmentByOtsu,
  segmentByThreshold,
  segmentByWatershed,
} from "../model/segmenters.ts";
import { tellDiameter, unfollowed } from "../model/tell_diameter.ts";
import { runTable1, type Table1Row } from "../model/table1.ts";
import { type Budget, scratchOptions } from "./budget.ts";
import { digest, type Item, type Lab, readModelDigest } from "./lab.ts";
import { segmentByPrompts } from "./prompts.ts";

/** What was compared. */
export interface Comparison {
  readonly rows: readonly Table1Row[];
  /** Of each trained network. */
  readonly trained: readonly {
    readonly network: string;
    readonly steps: number;
    readonly seconds: number;
  }[];
  /** Networks that there was no time for. */
  readonly missing: readonly string[];
  readonly images: number;
  /** Whether a SAM model was given. */
  readonly hasSam: boolean;
}

/** Train the networks and score them; networks are told true diameters. */
export async function runComparison(
  lab: Lab,
  { base, measured, sam }: {
    base: readonly Item[];
    measured: readonly LabelledImage[];
    sam?: PromptModel;
  },
  budget: Budget,
): Promise<Comparison> {
  const { core, openEncoder } = lab.deps;
  const names = ["plain-unet", "cpnet", budget.network];
  const trained: { network: string; steps: number; seconds: number }[] = [];
  const methods: NamedSegmenter[] = [
    { name: "Otsu + watershed", segment: segmentByOtsu },
  ];
  const digests: string[] = [];
  const missing: string[] = [];
  const encoders = [];
  for (const network of names) {
    const done = await lab.train({
      // the one of Figure 7, where it is the same
      name: network === budget.network ? "aligned from random" : network,
      items: base,
      options: scratchOptions(budget, network),
    });
    if (done === undefined) {
      missing.push(network);
      continue;
    }
    trained.push({ network, steps: done.steps, seconds: done.seconds });
    digests.push(readModelDigest(done.folder));
    const encoder = await openEncoder(done.folder);
    encoders.push(encoder);
    if (network === "plain-unet") {
      const bare = withoutFlows(encoder);
      methods.push(
        {
          name: "U-Net, threshold",
          segment: unfollowed(segmentByThreshold(core, bare)),
        },
        {
          name: "U-Net, watershed",
          segment: unfollowed(segmentByWatershed(core, bare)),
        },
      );
    } else {
      const name = network === "cpnet" ? "CPnet-shaped" : `ours (${network})`;
      methods.push({ name, segment: segmentByFlows(core, encoder) });
    }
  }
  const told = methods.map(({ name, segment }) => ({
    name,
    segment: tellDiameter(segment),
  }));
  if (sam !== undefined) {
    const name = "SAM, prompted by boxes of the truth";
    told.push({ name, segment: segmentByPrompts(core, sam) });
    digests.push(sam.digest);
  }
  const key = digest([digests, measured.map(({ name, size }) => [name, size])]);
  const path = join(lab.folder, `table1-${key}.json`);
  let rows: Table1Row[];
  if (existsSync(path)) {
    rows = JSON.parse(readFileSync(path, "utf8"));
  } else {
    lab.deps.say(`Table 1: ${told.length} methods × ${measured.length} images`);
    rows = await runTable1(core, measured, told);
    mkdirSync(lab.folder, { recursive: true });
    writeWhole(path, JSON.stringify(rows));
  }
  for (const encoder of encoders) await encoder.close();
  return {
    rows,
    trained,
    missing,
    images: measured.length,
    hasSam: sam !== undefined,
  };
}
