/**
 * Which images are held out: whole images, by the hash of their names.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { ArgumentError } from "../../shared/errors.ts";

/** Items by their use. */
export interface Split<T> {
  readonly train: readonly T[];
  readonly held: readonly T[];
}

/**
 * Hold out a share of the items.
 *
 * An image's part depends on its name only: more images do not move it. With a
 * share above 0 at least one of two or more images is held out.
 *
 * @param share  0 to 0.9
 */
export function splitByName<T extends { readonly name: string }>(
  items: readonly T[],
  share: number,
): Split<T> {
  if (!(share >= 0 && share <= 0.9)) {
    throw new ArgumentError("valShare", `must be 0 to 0.9, is ${share}`);
  }
  if (share === 0 || items.length < 2) return { train: items, held: [] };
  const places = items.map(({ name }) => placeOf(name));
  const least = Math.min(...places);
  const isHeld = (i: number) => places[i] < share || places[i] === least;
  const train = items.filter((_, i) => !isHeld(i));
  // every name hashed low: keep the last for training
  return train.length === 0
    ? { train: items.slice(-1), held: items.slice(0, -1) }
    : { train, held: items.filter((_, i) => isHeld(i)) };
}

/**
 * Split into folds: each item is held out once.
 *
 * @param count  folds, at most one an item
 */
export function splitFolds<T extends { readonly name: string }>(
  items: readonly T[],
  count: number,
): Split<T>[] {
  const order = [...items].sort((a, b) => placeOf(a.name) - placeOf(b.name));
  const fold = new Map(order.map((item, i) => [item, i % count]));
  return Array.from({ length: count }, (_, k) => ({
    train: items.filter((item) => fold.get(item) !== k),
    held: items.filter((item) => fold.get(item) === k),
  }));
}

/** Some items of every kind in turn, at most `limit`. */
export function pickAcrossKinds<
  T extends { readonly name: string; readonly kind: string },
>(items: readonly T[], limit: number): T[] {
  const groups = [...Map.groupBy(items, ({ kind }) => kind).values()].map((
    group,
  ) => [...group].sort((a, b) => placeOf(a.name) - placeOf(b.name)));
  const picked: T[] = [];
  for (let round = 0; picked.length < Math.min(limit, items.length); round++) {
    for (const group of groups) {
      if (round < group.length && picked.length < limit) {
        picked.push(group[round]);
      }
    }
  }
  return picked;
}

/** 0 up to 1, as good as random, by the name alone. */
function placeOf(name: string): number {
  // the folder may be called otherwise on another machine
  const file = name.split("/").at(-1) ?? name;
  const digest = createHash("sha256").update(file).digest();
  return digest.readUInt32BE(0) / 2 ** 32;
}
