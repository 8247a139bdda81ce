/**
 * Copies of tenants' models on this machine's disk: no more bytes than wanted,
 * and none of what was deleted.
 *
 *   FOLDER/DIGEST/NAME…            the model, as it is stored
 *   FOLDER/DIGEST/.owners/TENANT   whose it is; touched at each use
 *
 * A model is deleted where its description is gone from the store. Several
 * workers may share the folder.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { existsSync, renameSync } from "node:fs";
import { mkdir, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StoredModel } from "../shared/schema/tasks.ts";
import { objectKey } from "../shared/storage/keys.ts";
import type { ObjectStore } from "../shared/storage/types.ts";
import { bringModel, DESCRIPTION } from "./stored_models.ts";

const OWNERS = ".owners";

/** A copy that is younger may be another worker's, who has yet to own it. */
const YOUNG_MS = 60_000;

/** A copy may be removed by another worker just before it is owned, so often. */
const ATTEMPTS = 5;

/** What a process that died left half brought or half removed is removed. */
const STALE_MS = 24 * 60 * 60 * 1000;

/** Copies in a folder. */
export interface ModelCopies {
  /** The folder of a model's copy; brought from the store if it is missing. */
  bring(
    tenant: string,
    model: StoredModel,
  ): Promise<{ readonly folder: string; readonly isNew: boolean }>;
  /** Digests of copies that no tenant has a model of any more. */
  listDeleted(): Promise<string[]>;
  /** Remove the least recently used until `maxBytes` hold the others. */
  shrink(isKept: (digest: string) => boolean): Promise<void>;
  /** Remove a copy, unless it is kept. */
  remove(digest: string, isKept: (digest: string) => boolean): Promise<void>;
}

/** Look after the copies in a folder, which need not be there. */
export function openModelCopies(
  store: ObjectStore,
  folder: string,
  { maxBytes, now = Date.now }: {
    readonly maxBytes: number;
    readonly now?: () => number;
  },
): ModelCopies {
  /** Digests; names with a dot are not whole. */
  async function list(): Promise<string[]> {
    const names = await readdir(folder).catch(() => []);
    const whole: string[] = [];
    for (const name of names) {
      if (!name.includes(".")) whole.push(name);
      else if (await ageOf(join(folder, name)) > STALE_MS) {
        await rm(join(folder, name), { recursive: true, force: true });
      }
    }
    return whole;
  }

  async function ageOf(path: string): Promise<number> {
    const found = await stat(path).catch(() => undefined);
    return found === undefined ? 0 : now() - found.mtimeMs;
  }

  /** Mark a copy as a tenant's and as used. */
  async function own(path: string, tenant: string): Promise<void> {
    const mark = join(path, OWNERS, tenant);
    const touch = () => utimes(mark, now() / 1000, now() / 1000);
    try {
      return await touch();
    } catch (err) {
      if (!hasCode(err, "ENOENT")) throw err;
    }
    // not the copy itself: half a one must not be made
    await mkdir(join(path, OWNERS)).catch((err: unknown) => {
      if (!hasCode(err, "EEXIST")) throw err;
    });
    await writeFile(mark, "");
    await touch();
  }

  const ownersOf = (digest: string) =>
    readdir(join(folder, digest, OWNERS)).catch(() => []);

  async function measure(digest: string) {
    const path = join(folder, digest);
    let [bytes, used] = [0, 0];
    for (const name of await readdir(path).catch(() => [])) {
      const found = await stat(join(path, name)).catch(() => undefined);
      if (found?.isFile()) bytes += found.size;
    }
    for (const tenant of await ownersOf(digest)) {
      const found = await stat(join(path, OWNERS, tenant)).catch(() => {});
      used = Math.max(used, found?.mtimeMs ?? 0);
    }
    return { digest, bytes, used };
  }

  async function remove(
    digest: string,
    isKept: (digest: string) => boolean,
  ): Promise<void> {
    const gone = join(folder, `${digest}.${randomUUID()}`);
    // nobody in this process can ask for it between the two
    if (isKept(digest)) return;
    try {
      renameSync(join(folder, digest), gone);
    } catch {
      return; // by another worker
    }
    await rm(gone, { recursive: true, force: true });
  }

  return {
    async bring(tenant, model) {
      const isNew = !existsSync(join(folder, model.digest));
      for (let attempt = 1;; attempt++) {
        const path = await bringModel(store, folder, { tenant, model });
        try {
          await own(path, tenant);
          return { folder: path, isNew };
        } catch (err) {
          if (!hasCode(err, "ENOENT") || attempt === ATTEMPTS) throw err;
        }
      }
    },
    async listDeleted() {
      const deleted: string[] = [];
      for (const digest of await list()) {
        const owners = await ownersOf(digest);
        let isSomebodys = owners.length === 0 &&
          await ageOf(join(folder, digest)) < YOUNG_MS;
        for (const tenant of owners) {
          const key = objectKey(tenant, "models", digest, DESCRIPTION);
          isSomebodys ||= await store.head(key) !== undefined;
        }
        if (!isSomebodys) deleted.push(digest);
      }
      return deleted;
    },
    async shrink(isKept) {
      const copies = await Promise.all((await list()).map(measure));
      let total = copies.reduce((sum, { bytes }) => sum + bytes, 0);
      for (const each of copies.sort((a, b) => a.used - b.used)) {
        if (total <= maxBytes) return;
        if (isKept(each.digest)) continue;
        await remove(each.digest, isKept);
        total -= each.bytes;
      }
    },
    remove,
  };
}

function hasCode(err: unknown, code: string): boolean {
  return err instanceof Error && "code" in err && err.code === code;
}
