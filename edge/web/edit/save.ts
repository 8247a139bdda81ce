/**
 * Autosave: masks and edits in IndexedDB, an edit at a time, so that nothing
 * is lost when the page ends.
 *
 * @module
 */
import type { Edit, EditLog } from "./log.ts";
import type { Packed } from "./packed.ts";

/** What is kept of an image's masks. */
export interface Saved {
  /** Masks before the edits. */
  readonly base: Packed;
  readonly log: EditLog;
  /** Where the masks came from. */
  readonly source: string;
}

interface BaseRecord {
  readonly base: Packed;
  readonly source: string;
  readonly saved: number;
}

const NAME = "cytoedge";

/** Days that masks are kept after their last change. */
export const KEPT_DAYS = 30;
const DAY_MS = 24 * 3600 * 1000;

/** How many edits are done, and when that changed, ms since 1970. */
interface MarkRecord {
  readonly done: number;
  readonly at: number;
}

/** Masks of images, by the digest of the file and the plane. */
export interface Safe {
  /** Keep new masks; earlier edits of them go. */
  begin(key: string, saved: Pick<Saved, "base" | "source">): Promise<void>;
  /** Keep an edit as number `index`; later ones go. */
  add(key: string, index: number, edit: Edit): Promise<void>;
  /** Keep how many edits are done. */
  mark(key: string, done: number): Promise<void>;
  load(key: string): Promise<Saved | undefined>;
  /** Forget what is kept under keys that begin so; "" for all. */
  forget(prefix: string): Promise<void>;
}

/** Open the database; what is too old is forgotten. */
export async function openSafe(
  factory: IDBFactory = indexedDB,
  now: () => number = Date.now,
): Promise<Safe> {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = factory.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("bases");
      request.result.createObjectStore("edits");
      request.result.createObjectStore("marks");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

  const write = (
    stores: string[],
    work: (store: (name: string) => IDBObjectStore) => void,
  ) =>
    new Promise<void>((resolve, reject) => {
      const transaction = database.transaction(stores, "readwrite", {
        durability: "strict",
      });
      transaction.oncomplete = () => resolve();
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
      work((name) => transaction.objectStore(name));
    });
  const read = <T>(store: string, query: IDBValidKey) =>
    new Promise<T | undefined>((resolve, reject) => {
      const request = database.transaction(store).objectStore(store).get(query);
      request.onsuccess = () => resolve(request.result as T | undefined);
      request.onerror = () => reject(request.error);
    });
  const editsOf = (key: string, from: number) =>
    IDBKeyRange.bound([key, from], [key, Infinity]);

  const mark = (done: number): MarkRecord => ({ done, at: now() });
  const forgetKeys = (keys: readonly string[]) =>
    write(["bases", "edits", "marks"], (store) => {
      for (const key of keys) {
        store("bases").delete(key);
        store("edits").delete(editsOf(key, 0));
        store("marks").delete(key);
      }
    });
  const keysOf = (query?: IDBKeyRange) =>
    new Promise<string[]>((resolve, reject) => {
      const request = database.transaction("marks").objectStore("marks")
        .getAllKeys(query);
      request.onsuccess = () => resolve(request.result as string[]);
      request.onerror = () => reject(request.error);
    });

  // what has not changed for long
  const old: string[] = [];
  for (const key of await keysOf()) {
    const kept = await read<MarkRecord>("marks", key);
    if (kept !== undefined && kept.at <= now() - KEPT_DAYS * DAY_MS) {
      old.push(key);
    }
  }
  if (old.length > 0) await forgetKeys(old);

  return {
    begin(key, { base, source }) {
      return write(["bases", "edits", "marks"], (store) => {
        const record: BaseRecord = { base, source, saved: now() };
        store("bases").put(record, key);
        store("edits").delete(editsOf(key, 0));
        store("marks").put(mark(0), key);
      });
    },
    add(key, index, edit) {
      return write(["edits", "marks"], (store) => {
        store("edits").delete(editsOf(key, index));
        store("edits").put(edit, [key, index]);
        store("marks").put(mark(index + 1), key);
      });
    },
    mark(key, done) {
      return write(["marks"], (store) => store("marks").put(mark(done), key));
    },
    async load(key) {
      const record = await read<BaseRecord>("bases", key);
      if (record === undefined) return undefined;
      const edits = await new Promise<Edit[]>((resolve, reject) => {
        const request = database.transaction("edits").objectStore("edits")
          .getAll(editsOf(key, 0));
        request.onsuccess = () => resolve(request.result as Edit[]);
        request.onerror = () => reject(request.error);
      });
      const kept = await read<MarkRecord>("marks", key);
      const { base, source } = record;
      return { base, source, log: { edits, done: kept?.done ?? edits.length } };
    },
    async forget(prefix) {
      const range = IDBKeyRange.bound(prefix, prefix + "\uffff");
      await forgetKeys(await keysOf(range));
    },
  };
}
