/**
 * Opening images: files, folders, what is pasted or dropped, examples.
 *
 * @module
 */
import { batch, signal } from "@preact/signals";
import {
  currentId,
  type Doc,
  docs,
  makeCells,
  planeOf,
  selected,
  type Source,
  tell,
  withBusy,
} from "../store.ts";
import type { Size2D } from "../../../shared/ndarray.ts";
import { cellWorker, pictures } from "../workers.ts";
import { replay } from "../edit/log.ts";
import { Labels } from "../edit/labels.ts";
import { countPacked, summarize } from "../edit/packed.ts";
import { keepMasks, keyOf, loadKept } from "./kept.ts";

/** Images that are one click away; where there is truth, it comes along. */
export const EXAMPLES = [
  { file: "nuclei_2d.tif", title: "Nuclei", truth: "nuclei_2d_masks.tif" },
  { file: "cell.png", title: "Cell" },
  { file: "ihc.png", title: "Tissue, IHC" },
  { file: "histo.jpg", title: "Tissue, H&E" },
  { file: "nuclei_3d.tif", title: "Nuclei, stack" },
] as const;

const THUMBNAIL = 96;

/** Open files, one after the other; what cannot be read is told. */
export async function openFiles(files: readonly File[]): Promise<void> {
  const failures: string[] = [];
  await withBusy(`Opening ${files.length} files`, async () => {
    for (const file of files) {
      try {
        await openOne(file, file.name);
      } catch (err) {
        const reason = err instanceof Error ? err.message : String(err);
        failures.push(`${file.name}: ${reason}`);
      }
    }
  });
  if (failures.length > 0) tell("error", failures.join("; "));
}

/** Open an example, with its truth where it has one. */
export async function openExample(
  example: { readonly file: string; readonly truth?: string },
): Promise<void> {
  await withBusy("Opening the example", async () => {
    const image = await openOne(await fetchFile(example.file), example.file);
    if (example.truth === undefined) return;
    const bytes = new Uint8Array(
      await (await fetchFile(example.truth)).arrayBuffer(),
    );
    await setTruth(image, bytes);
  });
}

/** Take labels of a file for the truth of the chosen plane. */
export async function setTruth(image: Doc, bytes: LabelBytes): Promise<void> {
  const { size } = image.facts;
  const read = await cellWorker.call("readLabels", { bytes, size }, [
    bytes.buffer,
  ]);
  planeOf(image).truth.value = new Labels(read.packed, size);
  if (read.warnings.length > 0) tell("note", read.warnings.join("; "));
}

/** Take labels of a file for the cells of the chosen plane. */
export async function setCells(image: Doc, bytes: LabelBytes): Promise<void> {
  const { size } = image.facts;
  const { warnings, ...labels } = await cellWorker.call("readLabels", {
    bytes,
    size,
  }, [bytes.buffer]);
  const state = planeOf(image);
  const cells = makeCells(labels, {
    source: "file",
    before: state.cells.value,
    size,
  });
  batch(() => {
    selected.value = [];
    state.cells.value = cells;
  });
  keepMasks(keyOf(image), cells);
  if (warnings.length > 0) tell("note", warnings.join("; "));
}

/** A label file; it is handed over, and empty afterwards. */
type LabelBytes = Uint8Array<ArrayBuffer>;

/** Open one file and choose it. */
export async function openOne(file: Blob, name: string): Promise<Doc> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const digest = await sha256(bytes);
  const known = docs.value.find((each) => each.digest === digest);
  if (known) {
    currentId.value = known.id;
    return known;
  }
  const id = crypto.randomUUID();
  const facts = await pictures.call("openFile", { id, bytes }, [bytes.buffer]);
  const thumbnail = await pictures.call("drawThumbnail", {
    id,
    edge: THUMBNAIL,
  });
  const image: Doc = {
    id,
    name,
    file,
    digest,
    facts,
    thumbnail,
    plane: signal(facts.planes >> 1),
    looks: signal(facts.looks.map(({ look }) => look)),
    job: signal({}),
    planes: new Map(),
    view: undefined,
  };
  planeOf(image).warnings.value = facts.warnings.map((text) => ({
    code: "file",
    message: text,
  }));
  batch(() => {
    docs.value = [...docs.value, image];
    currentId.value = id;
  });
  await restore(image);
  return image;
}

/** Open an image that was made here, in place of one of the same name. */
export async function openPicture(
  { name, data, size }: {
    name: string;
    data: Float32Array<ArrayBuffer>;
    size: Size2D;
  },
): Promise<Doc> {
  const shape = [1, size.height, size.width];
  const file = await pictures.call("writePlane", {
    data,
    shape,
    channelNames: [],
  });
  const before = docs.value.find((each) => each.name === name);
  if (before) closeDoc(before);
  return await openOne(new Blob([file]), name);
}

/** Masks and edits of an earlier visit. */
export async function restore(image: Doc): Promise<void> {
  const plane = image.plane.value;
  const saved = await loadKept(keyOf(image, plane));
  const state = planeOf(image, plane);
  const { size } = image.facts;
  const isSame = saved !== undefined &&
    countPacked(saved.base) === size.height * size.width;
  if (!isSame || state.cells.value !== undefined) return;
  const { base, log } = saved;
  const masks = replay(base, size, log);
  state.cells.value = {
    ...makeCells(summarize(masks.pack()), {
      before: undefined,
      size,
      source: saved.source as Source,
    }),
    masks,
    base,
    log,
  };
  tell("note", "Masks of an earlier visit are shown");
}

/** Let an image go. */
export function closeDoc(image: Doc): void {
  void pictures.call("closeImage", { id: image.id });
  const rest = docs.value.filter(({ id }) => id !== image.id);
  batch(() => {
    docs.value = rest;
    if (currentId.value === image.id) currentId.value = rest.at(-1)?.id;
  });
}

async function fetchFile(name: string): Promise<File> {
  const answer = await fetch(`/examples/${name}`);
  if (!answer.ok) throw new Error(`The example ${name} is not there`);
  return new File([await answer.blob()], name);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(
    new Uint8Array(digest),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}
