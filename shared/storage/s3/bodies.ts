/**
 * Streams of bytes to and from S3, with their lengths checked.
 *
 * @module
 */
import {
  InvalidRequestError,
  NotFoundError,
  StorageError,
} from "../../errors.ts";
import type { ObjectInfo } from "../types.ts";
import { wrongLength } from "./multipart.ts";

/** A range without bytes, which HTTP cannot ask for: the object is looked at. */
export function emptyRange(
  key: string,
  start: number,
  info: ObjectInfo | undefined,
) {
  if (info === undefined) throw new NotFoundError("object", key);
  if (start < 0 || start > info.length) {
    const detail = `byte ${start} is not among ${info.length}`;
    throw new InvalidRequestError([{ pointer: "range", detail }]);
  }
  return { info, start, length: 0, body: new Blob().stream() };
}

/** A stream that fails where it ends before its length, or breaks. */
export function requireWhole(
  body: ReadableStream,
  { key, length }: { readonly key: string; readonly length: number },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from(async function* () {
    let found = 0;
    try {
      for await (const chunk of body) {
        found += chunk.length;
        yield chunk;
      }
    } catch (cause) {
      throw new StorageError("get", key, { cause, detail: "the body broke" });
    }
    if (found === length) return;
    const detail = `${found} bytes of ${length} came`;
    throw new StorageError("get", key, { detail });
  }());
}

/** A short stream, in memory. */
export async function hold(
  content: ReadableStream<Uint8Array<ArrayBuffer>>,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const held = new Uint8Array(length);
  let at = 0;
  for await (const chunk of content) {
    if (at + chunk.length > length) throw wrongLength(length, "more");
    held.set(chunk, at);
    at += chunk.length;
  }
  if (at < length) throw wrongLength(length, `${at}`);
  return held;
}
