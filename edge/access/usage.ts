/**
 * What each key used each day, and whether its budgets allow more.
 *
 * @module
 */
import { isSegError, QuotaExceededError } from "../../shared/errors.ts";
import type { Json, Records } from "../../shared/queue/types.ts";
import type { Budgets } from "./keys.ts";

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

/** Who uses. */
interface Owner {
  readonly tenant: string;
  readonly id: string;
}

/** Adds up what is used. */
export interface UsageBook {
  add(owner: Owner, amounts: Partial<UsageAmounts>): Promise<void>;
  /**
   * Check that a request fits today's budgets.
   *
   * @throws {QuotaExceededError}
   */
  require(
    owner: Owner & { readonly budgets: Budgets },
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

type Stored = UsageAmounts & { readonly [name: string]: number };

/**
 * Open the book of uses.
 *
 * @param now  ms since 1970; days are of UTC
 */
export function openUsageBook(
  book: Records<Json>,
  now: () => number,
): UsageBook {
  const today = () => new Date(now()).toISOString().slice(0, 10);

  return {
    async add({ tenant, id }, amounts) {
      const key = [tenant, `${today()}_${id}`];
      for (;;) {
        const found = await book.get(key);
        const before = (found?.value ?? NONE) as Stored;
        const after: Record<string, number> = { ...before };
        for (const [name, value] of Object.entries(amounts)) {
          after[name] = (after[name] ?? 0) + value;
        }
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
      let page = await book.list([tenant], { limit: 500 });
      while (page.length > 0) {
        for (const { key, value } of page) {
          const [day, ...rest] = key[1].split("_");
          days.push({ ...NONE, ...value as Stored, day, key: rest.join("_") });
        }
        const last = page[page.length - 1].key;
        page = await book.list([tenant], { limit: 500, after: last });
      }
      return days;
    },
  };
}

function tomorrow(ms: number): string {
  const day = 86_400_000;
  return new Date((Math.floor(ms / day) + 1) * day).toISOString();
}
