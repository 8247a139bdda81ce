/**
 * What is kept across reloads, written in order.
 *
 * @module
 */
import type { Edit } from "../edit/log.ts";
import { openSafe, type Safe, type Saved } from "../edit/save.ts";
import { type Cells, type Doc, tell } from "../store.ts";

let safe: Promise<Safe> | undefined;
let writes: Promise<void> = Promise.resolve();

/** Masks that wait: a slider makes new ones many times a second. */
const PAUSE_MS = 300;
const waiting = new Map<string, Pick<Cells, "base" | "source">>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Masks of an earlier visit. */
export async function loadKept(key: string): Promise<Saved | undefined> {
  const saved = await theSafe().then((each) => each.load(key))
    .catch(() => undefined);
  if (saved) written.add(key);
  return saved;
}

/** Where masks are kept. */
function theSafe(): Promise<Safe> {
  return safe ??= openSafe();
}

/** Under what masks of a plane are kept. */
export function keyOf(image: Doc, plane = image.plane.value): string {
  return `${image.digest}/${plane}`;
}

/** Write behind what was written before: a crash loses the last ones only. */
export function keep(work: (safe: Safe) => Promise<void>): Promise<void> {
  flush();
  return write(work);
}

/** Keep new masks once there has been a pause, or an edit. */
export function keepMasks(
  key: string,
  { base, source }: Pick<Cells, "base" | "source">,
): void {
  waiting.set(key, { base, source });
  written.add(key);
  forgotten.delete(key);
  clearTimeout(timer);
  timer = setTimeout(flush, PAUSE_MS);
}

/** Keys of which nothing is kept: they were forgotten while they are shown. */
const forgotten = new Set<string>();
/** Keys that were written. */
const written = new Set<string>();

/**
 * Keep an edit, or how many are done.
 *
 * @param cells  as they are after it
 */
export function keepEdit(key: string, cells: Cells, edit?: Edit): void {
  const { base, source, log } = cells;
  if (forgotten.delete(key)) {
    // from now on they are kept again, with all that came before
    void keep(async (safe) => {
      await safe.begin(key, { base, source });
      for (const [i, each] of log.edits.entries()) await safe.add(key, i, each);
      await safe.mark(key, log.done);
    });
  } else {
    void keep((safe) =>
      edit ? safe.add(key, log.done - 1, edit) : safe.mark(key, log.done)
    );
  }
}

/** Forget what is kept of an image, or of all; what is shown stays. */
export async function forgetMasks(image?: Doc): Promise<void> {
  waiting.clear();
  for (const key of written) {
    if (image === undefined || key.startsWith(`${image.digest}/`)) {
      forgotten.add(key);
    }
  }
  await write((safe) => safe.forget(image ? `${image.digest}/` : ""));
  tell(
    "note",
    image
      ? `Nothing of ${image.name} is kept any longer; what is shown stays until it is closed`
      : "Nothing is kept any longer; what is shown stays until it is closed",
  );
}

function flush(): void {
  clearTimeout(timer);
  for (const [key, masks] of waiting) {
    void write((safe) => safe.begin(key, masks));
  }
  waiting.clear();
}

function write(work: (safe: Safe) => Promise<void>): Promise<void> {
  writes = writes.then(async () => work(await theSafe()))
    .catch((err) => tell("error", `The masks could not be kept: ${err}`));
  return writes;
}

// a page that is hidden may not come back
globalThis.addEventListener?.("pagehide", flush);
