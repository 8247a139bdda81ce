/**
 * Which failures may pass: the one place that decides on a retry.
 *
 * @module
 */
import { type ErrorTag, isSegError, ModelError } from "../shared/errors.ts";

/** A new tag does not compile until it is decided on. */
const RETRIABLE: Record<ErrorTag, boolean> = {
  "invalid-request": false,
  "unauthorized": false,
  "forbidden": false,
  "not-found": false,
  "conflict": true,
  "image-too-large": false,
  "unsupported-format": false,
  "corrupt-image": false,
  "too-many-requests": true,
  "quota-exceeded": false,
  "model": false,
  "storage": true,
  "queue": true,
};

/** True if the same work may succeed later or elsewhere. */
export function isRetriable(err: unknown): boolean {
  if (err instanceof ModelError) return err.isOutOfMemory;
  if (isSegError(err)) return RETRIABLE[err.tag];
  // wrong parameters stay wrong; what nobody foresaw may be the machine's
  return !(err instanceof RangeError);
}
