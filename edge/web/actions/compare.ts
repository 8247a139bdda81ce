/**
 * An image by a model before and after its training, against its cells.
 *
 * @module
 */
import { Labels } from "../edit/labels.ts";
import type { PackedLabels } from "../edit/packed.ts";
import * as api from "../service/api.ts";
import { type Doc, parameters, planeOf, withBusy } from "../store.ts";
import { cellWorker } from "../workers.ts";
import { uploadOf } from "./upload.ts";

/** What one model found. */
export interface Side {
  readonly title: string;
  readonly masks: Labels;
  readonly count: number;
  /** AP at IoU 0.5 against the image's cells; undefined without any. */
  readonly ap: number | undefined;
}

/** Both sides. */
export interface Comparison {
  readonly image: Doc;
  readonly truth: Labels | undefined;
  readonly sides: readonly Side[];
}

/** Segment an image by each of some models. */
export async function compareModels(
  image: Doc,
  models: readonly { readonly title: string; readonly model: string }[],
): Promise<Comparison | undefined> {
  return await withBusy("Segmenting before and after", async () => {
    const { size } = image.facts;
    // edits go on while the jobs run
    const truth = planeOf(image, 0).cells.value?.masks.fork();
    const upload = await uploadOf(image);
    const sides = await Promise.all(models.map(async ({ title, model }) => {
      const { packed, count } = await segmentBy(model, upload, image);
      const scores = truth && await cellWorker.call("score", {
        truth: truth.pack(),
        packed,
        size,
      });
      const masks = new Labels(packed, size);
      return { title, masks, count, ap: scores?.precision[0].ap };
    }));
    return { image, truth, sides };
  });
}

async function segmentBy(
  model: string,
  upload: string,
  { facts: { size } }: Doc,
): Promise<PackedLabels> {
  const { id } = await api.startJob([upload], parameters.value, model);
  await api.follow(`jobs/${id}`, () => {}, new AbortController().signal);
  const [result] = await api.readResults(id);
  const tif = Object.entries(result?.files ?? {})
    .find(([name]) => name.endsWith(".tif"))?.[1];
  if (tif === undefined) {
    throw new Error(result?.error ?? "The job has no masks");
  }
  const bytes = await api.getSigned(tif);
  return await cellWorker.call("readLabels", { bytes, size }, [bytes.buffer]);
}
