/**
 * API keys: made once, kept as hashes, with scopes, expiry and budgets.
 *
 * A key is 256 random bits, so a plain SHA-256 of it cannot be turned back;
 * slow hashes are for what people make up.
 *
 * @module
 */
import { z } from "zod";
import { NotFoundError } from "../../shared/errors.ts";
import { eachRecord } from "../../shared/queue/pages.ts";
import type { Json, Records } from "../../shared/queue/types.ts";

/** What a key may do. */
export const SCOPES = ["segment", "train", "admin"] as const;

/** What a key may do: its own jobs; models and trainings; keys and all usage. */
export type Scope = typeof SCOPES[number];

const budget = z.number().positive().nullable().default(null);

/** What a key may use a day; `null`: any amount. */
export const Budgets = z.strictObject({
  bytes: budget,
  pixels: budget,
  gpuSeconds: budget,
});

/** What a key may use a day. */
export type Budgets = z.infer<typeof Budgets>;

/** What is kept of a key. */
export const KeyRecord = z.strictObject({
  /** Start of the hash: names the key in lists and logs. */
  id: z.string().regex(/^[0-9a-f]{16}$/),
  /** SHA-256 of the key, hex. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  tenant: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  name: z.string().max(200),
  scopes: z.array(z.enum(SCOPES)).min(1),
  /** Milliseconds since 1970. */
  created: z.number(),
  expires: z.number().nullable(),
  revoked: z.number().nullable(),
  /** Requests a second, on average over some seconds. */
  requestsPerSecond: z.number().positive(),
  budgets: Budgets,
});

/** What is kept of a key. */
export type KeyRecord = z.infer<typeof KeyRecord>;

/** What a new key is made with. */
export interface KeyOptions {
  readonly tenant: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Milliseconds since 1970; default: never. */
  readonly expires?: number;
  /** Default 50. */
  readonly requestsPerSecond?: number;
  readonly budgets?: z.input<typeof Budgets>;
}

/** No budget at all. */
export const UNLIMITED: Budgets = Budgets.parse({});

/** A book of keys. */
export interface KeyBook {
  /** Make a key; it is told here and never again. */
  create(options: KeyOptions): Promise<{ key: string; record: KeyRecord }>;
  /** The record of a key that may be used now. */
  find(key: string): Promise<KeyRecord | undefined>;
  /** All records, the oldest first. */
  list(): Promise<KeyRecord[]>;
  /**
   * Make a key invalid.
   *
   * @throws {NotFoundError}
   */
  revoke(id: string): Promise<KeyRecord>;
}

/** What every key starts with, so that scanners find leaked ones. */
const PREFIX = "ce_";
const KEY = /^ce_[A-Za-z0-9_-]{32,100}$/;
/** A revoked key works no longer than this elsewhere. */
const CACHE_MS = 10_000;
const MAX_CACHED = 10_000;

/**
 * Open a book of keys.
 *
 * @param records  where they are kept
 * @param now      milliseconds since 1970
 */
export function openKeyBook(
  records: Records<Json>,
  now: () => number,
): KeyBook {
  const cache = new Map<string, { record?: KeyRecord; until: number }>();

  async function read(id: string) {
    const found = await records.get(["keys", id]);
    if (found === undefined) return undefined;
    return { record: KeyRecord.parse(found.value), revision: found.revision };
  }

  return {
    async create(options) {
      const bits = crypto.getRandomValues(new Uint8Array(32));
      const key = PREFIX + toBase64Url(bits);
      const hash = await hashKey(key);
      const record = KeyRecord.parse({
        id: hash.slice(0, 16),
        hash,
        tenant: options.tenant,
        name: options.name,
        scopes: [...options.scopes],
        created: now(),
        expires: options.expires ?? null,
        revoked: null,
        requestsPerSecond: options.requestsPerSecond ?? 50,
        budgets: options.budgets ?? {},
      });
      await records.create(["keys", record.id], record);
      return { key, record };
    },
    async find(key) {
      if (!KEY.test(key)) return undefined;
      const hash = await hashKey(key);
      const known = cache.get(hash);
      let record = known?.record;
      if (known === undefined || known.until < now()) {
        const found = await read(hash.slice(0, 16));
        record = found?.record.hash === hash ? found.record : undefined;
        // wrong keys must not fill the memory
        if (cache.size >= MAX_CACHED) cache.clear();
        cache.set(hash, {
          ...(record ? { record } : {}),
          until: now() + CACHE_MS,
        });
      }
      if (record === undefined || record.revoked !== null) return undefined;
      if (record.expires !== null && record.expires <= now()) return undefined;
      return record;
    },
    async list() {
      const all: KeyRecord[] = [];
      for await (const { value } of eachRecord(records, ["keys"])) {
        all.push(KeyRecord.parse(value));
      }
      return all.sort((a, b) => a.created - b.created);
    },
    async revoke(id) {
      const found = await read(id);
      if (found === undefined) throw new NotFoundError("key", id);
      const { record, revision } = found;
      const revoked = { ...record, revoked: record.revoked ?? now() };
      await records.update(["keys", id], revoked, revision);
      cache.clear();
      return revoked;
    },
  };
}

async function hashKey(key: string): Promise<string> {
  const bytes = new TextEncoder().encode(key);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex();
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
