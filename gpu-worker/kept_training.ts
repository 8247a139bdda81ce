/**
 * What a training goes on from, in the store: checkpoints, logs, and scores of
 * finished folds.
 *
 *   OUT/PATH  ⇄  tenants/TENANT/trainings/ID/PATH
 *
 * A log is stored before its checkpoint: what it tells of later steps is cut
 * off when the training goes on.
 *
 * @module
 */
import { createReadStream, existsSync, statSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { Readable } from "node:stream";
import type { TaskRef } from "../shared/queue/tasks.ts";
import { keyPrefix } from "../shared/storage/keys.ts";
import type { ObjectStore } from "../shared/storage/types.ts";
import { download } from "./stored_models.ts";
import { FILES } from "./train/train_loop.ts";
import { FOLD_SCORES } from "./train/tune_model.ts";

/** What is kept of one training. */
export interface KeptTraining {
  /** Bring it to a folder; false if there is nothing. */
  restore(folder: string): Promise<boolean>;
  /** Store what has changed in a folder. */
  keep(folder: string): Promise<void>;
  /** Forget it. */
  drop(): Promise<void>;
}

/** In the order they are stored; with the last, a fold needs no others. */
const KEPT: readonly string[] = [
  FILES.log,
  FILES.best,
  FILES.checkpoint,
  FOLD_SCORES,
];

/** Look after what is kept of a training. */
export function keepTraining(
  store: ObjectStore,
  { tenant, id }: TaskRef,
): KeptTraining {
  const prefix = keyPrefix(tenant, "trainings", id);
  const stored = new Map<string, string>();

  async function list(): Promise<string[]> {
    const paths: string[] = [];
    let after: string | undefined;
    do {
      const page = await store.list(
        prefix,
        after === undefined ? {} : { after },
      );
      paths.push(...page.objects.map(({ key }) => key.slice(prefix.length)));
      after = page.next;
    } while (after !== undefined);
    return paths;
  }

  return {
    async restore(folder) {
      const paths = await list();
      const wanted = paths.filter((path) => !isOver(path, paths));
      for (const path of wanted) {
        const place = join(folder, ...path.split("/"));
        await mkdir(dirname(place), { recursive: true });
        await download(store, prefix + path, place);
        stored.set(path, stampOf(place));
      }
      return wanted.length > 0;
    },
    async keep(folder) {
      const paths = await filesOf(folder);
      for (const path of paths) {
        const place = join(folder, ...path.split("/"));
        const stamp = stampOf(place);
        if (isOver(path, paths) || stored.get(path) === stamp) continue;
        const { size } = statSync(place);
        // the log grows: its part that is told of now is stored
        const stream = size === 0
          ? new Blob([]).stream()
          : Readable.toWeb(createReadStream(place, { end: size - 1 }));
        await store.put(
          prefix + path,
          stream as ReadableStream<Uint8Array<ArrayBuffer>>,
          { mediaType: "application/octet-stream", length: size },
        );
        stored.set(path, stamp);
      }
    },
    async drop() {
      for (const path of await list()) await store.delete(prefix + path);
    },
  };
}

/** Of a fold that is finished, all but its scores. */
function isOver(path: string, paths: readonly string[]): boolean {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  return !path.endsWith(FOLD_SCORES) && paths.includes(folder + FOLD_SCORES);
}

/** What is to be kept of a folder, in the order of `KEPT`. */
async function filesOf(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const all = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = all.filter((entry) => entry.isFile())
    .map(({ parentPath, name }) =>
      relative(folder, join(parentPath, name)).split(sep).join("/")
    );
  return KEPT.flatMap((name) =>
    paths.filter((path) => path === name || path.endsWith(`/${name}`)).sort()
  );
}

function stampOf(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return `${size} ${mtimeMs}`;
}
