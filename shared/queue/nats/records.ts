/**
 * Records in a JetStream key-value bucket; a revision is a sequence number.
 *
 * @module
 */
import { type JetStreamManager, StorageType } from "@nats-io/jetstream";
import { type KvEntry, Kvm } from "@nats-io/kv";
import { ConflictError } from "../../errors.ts";
import { joinKey, requirePrefix, writeJson } from "../names.ts";
import type { Json, RecordOptions, Records, StoredRecord } from "../types.ts";
import { anyOf } from "../wake.ts";
import {
  ANSWER_MS,
  type Home,
  isWrongRevision,
  surface,
  surfaceRepeated,
} from "./home.ts";

/** Records that are asked for at a time. */
const AT_ONCE = 32;

/** Make a bucket of this name, or connect to it. */
export async function natsRecords<Value extends Json>(
  { js, jsm, replicas, deletedMs, signal: closed }: Home,
  bucket: string,
  { ttlMs }: RecordOptions,
): Promise<Records<Value>> {
  const kv = await surface(
    "open",
    () =>
      new Kvm(js).create(`cytoedge_${bucket}`, {
        history: 1,
        storage: StorageType.File,
        replicas,
        // a copy that lags behind must not answer
        allow_direct: false,
        timeout: ANSWER_MS,
        ...(ttlMs !== undefined && { ttl: ttlMs }),
      }),
  );

  await surface("open", () => allowTtl(jsm, `KV_cytoedge_${bucket}`));

  const repeated = <T>(operation: string, run: () => Promise<T>) =>
    surfaceRepeated({ operation, signal: closed }, run);

  const read = (key: string) =>
    repeated("get", async () => {
      const entry = await kv.get(key);
      return entry?.operation === "PUT" ? recordOf<Value>(entry) : undefined;
    });

  // not repeated: the second try would find what the first has written
  const write = (
    operation: string,
    { key, state }: { key: string; state: string },
    run: () => Promise<number>,
  ) =>
    surface(operation, async () => {
      try {
        return await run();
      } catch (err) {
        if (!isWrongRevision(err)) throw err;
        throw new ConflictError(`record ${bucket} ${key}`, state);
      }
    });

  return {
    async create(key, value) {
      const joined = joinKey(key);
      const text = writeJson(value, "value");
      const state = "exists already";
      return await write(
        "create",
        { key: joined, state },
        () => kv.create(joined, text),
      );
    },

    async get(key) {
      return await read(joinKey(key));
    },

    async update(key, value, revision) {
      const joined = joinKey(key);
      const text = writeJson(value, "value");
      const state = "has changed since it was read, or is gone";
      return await write(
        "update",
        { key: joined, state },
        () => kv.update(joined, text, revision),
      );
    },

    async delete(key) {
      const joined = joinKey(key);
      // a bucket keeps the last word of each key, and reads them all when it
      // is listed: those of deletions must go
      const last = { ttl: `${Math.ceil(deletedMs / 1000)}s` };
      await repeated("delete", () => kv.purge(joined, last));
    },

    async list(prefix, { after, limit = 100, newestFirst = false } = {}) {
      const filter = `${requirePrefix(prefix)}>`;
      const from = after && joinKey(after);
      const keys = await repeated("list", async () => {
        const found: string[] = [];
        for await (const key of await kv.keys(filter)) found.push(key);
        return found.sort();
      });
      if (newestFirst) keys.reverse();
      const isBehind = (key: string) =>
        from === undefined || (newestFirst ? key < from : key > from);
      const wanted = keys.filter(isBehind);
      const records: StoredRecord<Value>[] = [];
      while (wanted.length > 0 && records.length < limit) {
        const page = wanted.splice(0, Math.min(AT_ONCE, limit));
        // what was deleted since its key was listed is left out
        const found = await Promise.all(page.map(read));
        records.push(...found.filter((record) => record !== undefined));
      }
      return records.slice(0, limit);
    },

    async *watch(key, signal) {
      const joined = joinKey(key);
      const ended = anyOf(closed, signal);
      if (ended.aborted) return;
      const changes = await repeated("watch", () => kv.watch({ key: joined }));
      const stop = () => changes.stop();
      ended.addEventListener("abort", stop);
      try {
        for await (const entry of changes) {
          yield entry.operation === "PUT"
            ? recordOf<Value>(entry)
            : { key: [...key], value: undefined };
          if (ended.aborted) return;
        }
      } finally {
        ended.removeEventListener("abort", stop);
        changes.stop();
      }
    },
  };
}

/** Let messages of a stream have an end of their own (NATS 2.11, ADR-43). */
async function allowTtl(jsm: JetStreamManager, stream: string): Promise<void> {
  const { config } = await jsm.streams.info(stream);
  if (config.allow_msg_ttl) return;
  await jsm.streams.update(stream, { ...config, allow_msg_ttl: true });
}

function recordOf<Value extends Json>(entry: KvEntry): StoredRecord<Value> {
  const key = entry.key.split(".");
  return { key, value: entry.json<Value>(), revision: entry.revision };
}
