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
  return new Uint8Array(await new Response(body).arrayBuffer());
}
