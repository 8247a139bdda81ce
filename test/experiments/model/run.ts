/**
 * Every experiment that needs a network, in the order of the report.
 *
 * @module
 */
import type { Encoder } from "../../../shared/pipeline/encoder.ts";
import type { Core } from "../../../wasm/mod.ts";
import type { Files } from "../pictures.ts";
import type { Provenance } from "../run.ts";
import { drawGallery, type GalleryRow } from "./gallery.ts";
import type { ExperimentImage, LabelledImage } from "./images.ts";
import { plotRobustness } from "./plot.ts";
import { type RobustnessPoint, runRobustness } from "./robustness.ts";
import {
  type NamedSegmenter,
  segmentByFlows,
  segmentByOtsu,
  segmentByThreshold,
  segmentByWatershed,
} from "./segmenters.ts";
import { withoutFlows } from "../baselines.ts";
import { tellDiameter, unfollowed } from "./tell_diameter.ts";
import { runTable1, type Table1Row } from "./table1.ts";

/** Networks to compare. */
export interface Networks {
  readonly ours: Encoder;
  /** Only its probability is used. */
  readonly unet?: Encoder;
  readonly cpnet?: Encoder;
}

/** What the experiments give. */
export interface ModelResults extends Provenance {
  /** Of our model, SHA-256. */
  readonly model: { readonly name: string; readonly digest: string };
  /** Labelled images, and of what kinds. */
  readonly images: number;
  readonly kinds: readonly string[];
  readonly table1: readonly Table1Row[];
  readonly robustness: readonly RobustnessPoint[];
  readonly gallery: readonly GalleryRow[];
  /** Rows of Table 1 that nobody gave a model for. */
  readonly missing: readonly string[];
}

/** Compute everything; pictures and plots go to `files`. */
export async function runModelExperiments(
  core: Core,
  { networks, images, shown, provenance, print }: {
    readonly networks: Networks;
    /** To measure on. */
    readonly images: readonly ExperimentImage[];
    /** For the gallery. */
    readonly shown: readonly ExperimentImage[];
    readonly provenance: Provenance;
    readonly print: (line: string) => void;
  },
  files: Files,
): Promise<ModelResults> {
  const { ours, unet, cpnet } = networks;
  const labelled = images.filter((image): image is LabelledImage =>
    image.truth !== undefined
  );
  const bare = unet && unet.model.outputs < 3 ? withoutFlows(unet) : unet;
  const own = { name: "ours", segment: segmentByFlows(core, ours) };
  const methods: NamedSegmenter[] = [
    { name: "Otsu + watershed", segment: segmentByOtsu },
    ...(bare
      ? [segmentByThreshold, segmentByWatershed].map((split, k) => ({
        name: `U-Net, ${k === 0 ? "threshold" : "watershed"}`,
        // it estimates no size
        segment: tellDiameter(unfollowed(split(core, bare))),
      }))
      : []),
    ...(cpnet
      ? [{ name: "CPnet-shaped", segment: segmentByFlows(core, cpnet) }]
      : []),
    own,
  ];
  const missing = [
    ...(unet ? [] : ["the plain U-Net (`--unet DIR`)"]),
    ...(cpnet ? [] : ["the CPnet-shaped network (`--cpnet DIR`)"]),
  ];
  print(`Table 1: ${methods.length} methods × ${labelled.length} images`);
  const table1 = await runTable1(core, labelled, methods);
  print("Robustness");
  const compared = methods.filter(({ name }) => name !== "U-Net, threshold");
  const robustness = await runRobustness(core, labelled, compared);
  for (const fault of new Set(robustness.map((point) => point.fault))) {
    files.set(nameOfPlot(fault), await plotRobustness(robustness, fault));
  }
  print(`Figures 10 and 11: ${shown.length} images`);
  const gallery = await drawGallery(core, shown, own.segment, files);
  return {
    ...provenance,
    model: { name: ours.model.name, digest: ours.digest },
    images: labelled.length,
    kinds: [...new Set(labelled.map(({ kind }) => kind))].sort(),
    table1,
    robustness,
    gallery,
    missing,
  };
}

/** File of a fault's plot. */
export function nameOfPlot(fault: RobustnessPoint["fault"]): string {
  return `robustness_${fault.replaceAll(" ", "_")}.svg`;
}
