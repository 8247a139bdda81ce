/**
 * Changes of records that go on where another writer was first.
 *
 * @module
 */
import { isSegError, NotFoundError } from "../errors.ts";
import type { Json, RecordKey, Records } from "./types.ts";

/** A record as the backend sees it. */
export type Stored<Value> = Value & { readonly [name: string]: Json };

/**
 * Change a record until nobody else did in between.
 *
 * @param next  the new value; undefined: leave it
 * @returns     the record as it is now
 * @throws {NotFoundError} if there is none
 */
export async function changeRecord<Value>(
  records: Records<Stored<Value>>,
  key: RecordKey,
  next: (value: Value) => Value | undefined,
): Promise<Value> {
  for (;;) {
    const found = await records.get(key);
    if (found === undefined) {
      throw new NotFoundError("record", key[key.length - 1]);
    }
    const value = next(found.value);
    if (value === undefined) return found.value;
    try {
      await records.update(key, value as Stored<Value>, found.revision);
      return value;
    } catch (err) {
      if (!isSegError(err, "conflict")) throw err;
    }
  }
}

/** Create a record, unless an earlier try did; true if it was this one. */
export async function createRecord<Value>(
  records: Records<Stored<Value>>,
  key: RecordKey,
  value: Value,
): Promise<boolean> {
  try {
    await records.create(key, value as Stored<Value>);
    return true;
  } catch (err) {
    if (!isSegError(err, "conflict")) throw err;
    return false;
  }
}

/** Do something for each index below `count`, `atOnce` at a time. */
export async function forEachIndex(
  count: number,
  atOnce: number,
  run: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await run(next++);
  };
  const lanes = Array.from({ length: Math.min(atOnce, count) }, lane);
  await Promise.all(lanes);
}
