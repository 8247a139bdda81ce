/**
 * What each key used each day, and whether its budgets allow more.
 *
 * @module
 */
import { isSegError, QuotaExceededError } from "../errors.ts";
import { eachRecord } from "./pages.ts";
import type { Json, Records } from "./types.ts";

/** Amounts of one key on one day. */
export interface UsageAmounts {
  readonly bytes: number;
  readonly pixels: number;
  readonly tiles: number;
  readonly gpuSeconds: number;
  readonly price: number;
  readonly previews: number;
  readonly images: number;
}

/** A day of a key. */
export interface UsageDay extends UsageAmounts {
  /** UTC, as 2030-01-31. */
  readonly day: string;
  readonly key: string;
}

/** What a key may use a day; `null`: any amount. */
export interface UsageBudgets {
  readonly bytes: number | null;
  readonly pixels: number | null;
  readonly gpuSeconds: number | null;
}

/** Who uses. */
interface Owner {
  readonly tenant: string;
  readonly id: string;
}

/** Names a use that must be counted one time. */
export interface UsageOnce {
  readonly id: string;
  /** When it happened, ms since 1970: a repeat belongs to the same day. */
  readonly atMs: number;
}

/** Adds up what is used. */
export interface UsageBook {
  /** @param once  for what may be added again: it is counted one time */
  add(
    owner: Owner,
    amounts: Partial<UsageAmounts>,
    once?: UsageOnce,
  ): Promise<void>;
  /**
   * Check that a request fits today's budgets.
   *
   * @throws {QuotaExceededError}
   */
  require(
    owner: Owner & { readonly budgets: UsageBudgets },
    amounts: { bytes?: number; pixels?: number; gpuSeconds?: number },
  ): Promise<void>;
  /** All days of a tenant, the oldest first. */
  list(tenant: string): Promise<UsageDay[]>;
}

const NONE: UsageAmounts = {
  bytes: 0,
  pixels: 0,
  tiles: 0,
  gpuSeconds: 0,
  price: 0,
  previews: 0,
  images: 0,
};

const BUDGETS = [
  ["bytes", "bytes"],
  ["pixels", "pixels"],
  ["gpuSeconds", "GPU seconds"],
] as const;

/** Ids of uses that a day remembers; a repeat comes soon after the first. */
const REMEMBERED = 1000;

/** A day as it is kept: with the ids of the last uses. */
type Stored = UsageAmounts & { readonly once?: readonly string[] };

/**
 * Open the book of uses.
 *
 * @param now  ms since 1970; days are of UTC
 */
export function openUsageBook(
  book: Records<Json>,
  now: () => number,
): UsageBook {
  const today = () => dayOf(now());

  return {
    async add({ tenant, id }, amounts, once) {
      const day = once ? dayOf(once.atMs) : today();
      const key = [tenant, `${day}_${id}`];
      for (;;) {
        const found = await book.get(key);
        const { once: counted = [], ...before } = (found?.value ??
          NONE) as Stored;
        if (once && counted.includes(once.id)) return;
        const after: Record<string, Json> = { ...before };
        for (const [name, value] of Object.entries(amounts)) {
          after[name] = Number(after[name] ?? 0) + value;
        }
        const ids = once ? [...counted, once.id] : counted;
        if (ids.length > 0) after.once = ids.slice(-REMEMBERED);
        try {
          if (found) await book.update(key, after, found.revision);
          else await book.create(key, after);
          return;
        } catch (err) {
          if (!isSegError(err, "conflict")) throw err;
        }
      }
    },
    async require({ tenant, id, budgets }, amounts) {
      if (BUDGETS.every(([name]) => budgets[name] === null)) return;
      const found = await book.get([tenant, `${today()}_${id}`]);
      const used = (found?.value ?? NONE) as Stored;
      for (const [name, what] of BUDGETS) {
        const limit = budgets[name];
        const wanted = amounts[name] ?? 0;
        if (limit === null || wanted === 0) continue;
        if (used[name] + wanted > limit) {
          throw new QuotaExceededError(what, limit, tomorrow(now()));
        }
      }
    },
    async list(tenant) {
      const days: UsageDay[] = [];
      for await (const { key, value } of eachRecord(book, [tenant])) {
        const [day, ...rest] = key[1].split("_");
        const { once: _, ...amounts } = value as unknown as Stored;
        days.push({ ...NONE, ...amounts, day, key: rest.join("_") });
      }
      return days;
    },
  };
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function tomorrow(ms: number): string {
  const day = 86_400_000;
  return new Date((Math.floor(ms / day) + 1) * day).toISOString();
}
