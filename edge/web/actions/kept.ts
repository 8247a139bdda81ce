/**
 * What is kept across reloads, written in order.
 *
 * @module
 */
import { openSafe, type Safe } from "../edit/save.ts";
import { type Doc, tell } from "../store.ts";

let safe: Promise<Safe> | undefined;
let writes: Promise<void> = Promise.resolve();

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
  writes = writes.then(async () => work(await theSafe()))
    .catch((err) => tell("error", `The masks could not be kept: ${err}`));
  return writes;
}
