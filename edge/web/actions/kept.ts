/**
 * What is kept across reloads, written in order.
 *
 * @module
 */
import { openSafe, type Safe } from "../edit/save.ts";
import { type Cells, type Doc, tell } from "../store.ts";

let safe: Promise<Safe> | undefined;
let writes: Promise<void> = Promise.resolve();

/** Masks that wait: a slider makes new ones many times a second. */
const PAUSE_MS = 300;
const waiting = new Map<string, Pick<Cells, "base" | "source">>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Where masks are kept. */
export function theSafe(): Promise<Safe> {
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
  clearTimeout(timer);
  timer = setTimeout(flush, PAUSE_MS);
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
