/**
 * Measurements of cells as they change, and tables of them as files.
 *
 * @module
 */
import { effect } from "@preact/signals";
import {
  type Cells,
  type Doc,
  doc,
  docs,
  plane,
  planeOf,
  tell,
  withBusy,
} from "../store.ts";
import type { Measured } from "../work/measure.ts";
import { cellWorker, pictures } from "../workers.ts";
import { previewPlane } from "./preview.ts";
import { saveFile } from "./save_file.ts";

/** Values up to which intensities are measured. */
const MAX_INTENSITIES = 2 ** 24;

/** Measure the chosen plane whenever its cells change. */
export function watchMeasures(isNeeded: () => boolean): () => void {
  let version = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return effect(() => {
    const image = doc.value;
    const state = plane.value;
    const cells = state?.cells.value;
    const z = image?.plane.value ?? 0;
    const mine = ++version;
    clearTimeout(timer);
    if (!image || !state || !cells || !isNeeded()) return;
    // edits come in quick succession
    timer = setTimeout(() => {
      measure(image, z, cells).then((measured) => {
        if (mine === version) state.measured.value = measured;
      }).catch((err) => tell("error", String(err)));
    }, 80);
  });
}

async function measure(
  image: Doc,
  z: number,
  { masks }: Cells,
): Promise<Measured> {
  const { size, channels } = image.facts;
  const isSmall = channels * size.height * size.width <= MAX_INTENSITIES;
  const values = isSmall
    ? await pictures.call("readPlane", { id: image.id, plane: z })
    : undefined;
  return await cellWorker.call("measure", {
    packed: masks.pack(),
    size,
    ...(values ? { image: Float32Array.from(values.data), channels } : {}),
  });
}

/** Write the table of an image's cells. */
export async function writeCsv(image: Doc): Promise<void> {
  await withBusy("Writing the table", async () => {
    const { cells } = planeOf(image);
    if (!cells.value) throw new Error("There are no cells yet");
    const text = await tableOf(image, cells.value);
    saveFile(image.name.replace(/\.[^.]*$/, "") + ".csv", text, "text/csv");
  });
}

async function tableOf(image: Doc, cells: Cells): Promise<string> {
  return await cellWorker.call("writeTable", {
    cells: await measure(image, image.plane.value, cells),
    channelNames: image.facts.channelNames,
  });
}

/** Segment what is not yet, and write one table with the images' names. */
export async function runBatch(): Promise<void> {
  const lines: string[] = [];
  for (const image of docs.value) {
    if (!planeOf(image).cells.value) await previewPlane(image);
    const cells = planeOf(image).cells.value;
    if (!cells) return;
    const [head, ...body] = (await tableOf(image, cells)).trimEnd().split("\n");
    if (lines.length === 0) lines.push(`image,${head}`);
    const name = `"${image.name.replaceAll('"', '""')}"`;
    lines.push(...body.map((line) => `${name},${line}`));
  }
  saveFile("cells.csv", lines.join("\n") + "\n", "text/csv");
  tell("note", `${lines.length - 1} cells of ${docs.value.length} images`);
}
