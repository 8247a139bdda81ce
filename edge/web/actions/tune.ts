/**
 * Masks again from the kept flows, as parameters change.
 *
 * @module
 */
import { type Doc, eps, method, parameters, planeOf, tell } from "../store.ts";
import { cellWorker } from "../workers.ts";
import { networkId, showMasksOf } from "./masks.ts";

/** The plane whose masks are due; later changes take the place of earlier. */
let due: { readonly image: Doc; readonly plane: number } | undefined;
let isTuning = false;

/** Masks again from the kept flows; only the last of many changes counts. */
export async function tunePlane(image: Doc): Promise<void> {
  const plane = image.plane.value;
  if (!planeOf(image, plane).hasFlows.value) return;
  clearTimeout(pause);
  due = { image, plane };
  if (isTuning) return;
  isTuning = true;
  try {
    while (due !== undefined) await tuneDue(due);
  } catch (err) {
    tell("error", err instanceof Error ? err.message : String(err));
  } finally {
    isTuning = false;
  }
  pause = setTimeout(() => void measureConfidence(image, plane), PAUSE_MS);
}

async function tuneDue(
  { image, plane }: NonNullable<typeof due>,
): Promise<void> {
  due = undefined;
  const found = await computeMasks(image, plane, false);
  showMasksOf(image, found, {
    plane,
    source: "tuned",
    confidence: found.confidence,
    emptyReason: found.emptyReason,
  });
  tell("note", `${found.count} cells in ${Math.round(found.ms)} ms`);
}

/** Have the worker ready for the first change: paths are followed before it. */
export function prepareTuning(image: Doc): void {
  const plane = image.plane.value;
  clearTimeout(pause);
  pause = setTimeout(() => {
    // what is wrong is told when it is asked for
    void computeMasks(image, plane, false).catch(() => {});
  }, PAUSE_MS);
}

function computeMasks(image: Doc, plane: number, confidence: boolean) {
  return cellWorker.call("tune", {
    id: networkId(image, plane),
    parameters: parameters.value,
    method: method.value,
    eps: eps.value,
    confidence,
  });
}

/** Confidence takes as long as the masks: it waits for a pause. */
const PAUSE_MS = 400;
let pause: ReturnType<typeof setTimeout> | undefined;

async function measureConfidence(image: Doc, plane: number): Promise<void> {
  const { cells } = planeOf(image, plane);
  const before = cells.value;
  if (before?.source !== "tuned" || isTuning) return;
  const { confidence } = await computeMasks(image, plane, true);
  // what came meanwhile counts
  if (confidence && cells.value === before) {
    cells.value = { ...before, confidence };
  }
}
