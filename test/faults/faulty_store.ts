/**
 * An object store that goes wrong as a real one does: 500, slow, cut short.
 *
 * @module
 */
import { StorageError } from "../../shared/errors.ts";
import type { ObjectStore } from "../../shared/storage/types.ts";
import type { Faults } from "./faults.ts";

/** A store whose calls go wrong as `faults` says; signing never does. */
export function faultyStore(store: ObjectStore, faults: Faults): ObjectStore {
  const call = <T>(operation: string, key: string, run: () => Promise<T>) =>
    faults.call(
      run,
      (how) => new StorageError(operation, key, { detail: `injected: ${how}` }),
    );
  return {
    put: (key, content, options) =>
      call("put", key, () => store.put(key, content, options)),
    get: (key, range) =>
      call("get", key, async () => {
        const found = await store.get(key, range);
        if (!faults.isPartial()) return found;
        const end = faults.below(found.length + 1);
        return { ...found, body: cut(found.body, { key, end }) };
      }),
    head: (key) => call("head", key, () => store.head(key)),
    list: (prefix, options) =>
      call("list", prefix, () => store.list(prefix, options)),
    delete: (key) => call("delete", key, () => store.delete(key)),
    presignGet: (key, options) => store.presignGet(key, options),
    presignPut: (key, options) => store.presignPut(key, options),
    presignPart: (upload, options) => store.presignPart(upload, options),
    startMultipart: (key, options) =>
      call("startMultipart", key, () => store.startMultipart(key, options)),
    listParts: (upload) =>
      call("listParts", upload.key, () => store.listParts(upload)),
    completeMultipart: (upload, options) =>
      call(
        "completeMultipart",
        upload.key,
        () => store.completeMultipart(upload, options),
      ),
    abortMultipart: (upload) =>
      call("abortMultipart", upload.key, () => store.abortMultipart(upload)),
    listMultiparts: (prefix) =>
      call("listMultiparts", prefix, () => store.listMultiparts(prefix)),
    close: () => store.close(),
  };
}

/** The first bytes of a body, then an error: a connection that breaks. */
function cut(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  { key, end }: { readonly key: string; readonly end: number },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from(async function* () {
    let left = end;
    for await (const chunk of body) {
      if (left > 0) yield chunk.subarray(0, left);
      left -= chunk.length;
      if (left <= 0) break;
    }
    throw new StorageError("get", key, { detail: "injected: partial" });
  }());
}
