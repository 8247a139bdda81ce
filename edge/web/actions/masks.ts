/**
 * Masks and network outputs of a plane: shown, kept, handed to the worker.
 *
 * @module
 */
import { batch } from "@preact/signals";
import type { Size2D } from "../../../shared/ndarray.ts";
import type { PackedLabels } from "../edit/packed.ts";
import {
  type Cells,
  type Doc,
  makeCells,
  planeOf,
  selected,
  type Source,
} from "../store.ts";
import type { Network } from "../work/networks.ts";
import { cellWorker } from "../workers.ts";
import { keepMasks, keyOf } from "./kept.ts";

/** Diameter that the networks know best, pixels. */
const DIAMETER = 30;

/** Show masks of a plane and keep them across reloads. */
export function showMasksOf(
  image: Doc,
  labels: PackedLabels,
  { plane, ...facts }: {
    plane: number;
    source: Source;
    confidence?: Float32Array | undefined;
    emptyReason?: string | undefined;
  },
): void {
  const state = planeOf(image, plane);
  const { source, confidence, emptyReason } = facts;
  const cells: Cells = makeCells(labels, {
    source,
    size: image.facts.size,
    before: state.cells.value,
    ...(confidence ? { confidence } : {}),
    ...(emptyReason === undefined ? {} : { emptyReason }),
  });
  batch(() => {
    selected.value = [];
    state.cells.value = cells;
  });
  keepMasks(keyOf(image, plane), cells);
}

/** Where a plane's network output is kept. */
export function networkId(image: Doc, plane = image.plane.value): string {
  return `${image.id}/${plane}`;
}

/** Hand a network's output to the worker: 3×h×w f32, which is empty afterwards. */
export async function keepNetwork(
  image: Doc,
  plane: number,
  { npy, ...facts }: {
    npy: Float32Array<ArrayBuffer>;
    flowsSize: Size2D;
    family: string;
    niter: number;
    /** Pixels of the image; null: the network's own. */
    diameter: number | null;
  },
): Promise<void> {
  await cellWorker.call("keepNetwork", {
    id: networkId(image, plane),
    npy,
    size: image.facts.size,
    ...facts,
    family: facts.family as Network["family"],
    diameter: facts.diameter ?? DIAMETER,
  }, [npy.buffer]);
  planeOf(image, plane).hasFlows.value = true;
}
