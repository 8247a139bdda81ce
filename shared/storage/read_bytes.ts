/**
 * A stored object as bytes.
 *
 * @module
 */
import { ImageTooLargeError } from "../errors.ts";
import type { ObjectStore } from "./types.ts";

/**
 * Read an object whole.
 *
 * @throws {NotFoundError} if there is none
 * @throws {ImageTooLargeError} if it has more than `maxBytes`
 */
export async function readBytes(
  store: Pick<ObjectStore, "get">,
  key: string,
  maxBytes = Infinity,
): Promise<Uint8Array<ArrayBuffer>> {
  const { body, length } = await store.get(key);
  if (length > maxBytes) {
    await body.cancel();
    throw new ImageTooLargeError(length, maxBytes);
  }
  return await collect(body, length);
}

/**
 * Read how an object begins: `length` bytes, or all where it has fewer.
 *
 * @throws {NotFoundError} if there is none
 */
export async function readStart(
  store: Pick<ObjectStore, "get">,
  key: string,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const found = await store.get(key, { start: 0, end: length });
  return await collect(found.body, found.length);
}

async function collect(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const chunk of body) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
