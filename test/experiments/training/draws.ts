/**
 * Which images a fine-tuning learns from and which it is tested on.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Images that a fine-tuning needs: five to learn from, three to test on. */
export const TUNED = 5;
export const TESTED = 3;
/** Numbers of corrected images on the curve. */
export const COUNTS = [1, 2, 3, 5, 10] as const;

/** Anything with a name and a kind. */
interface Named {
  readonly name: string;
  readonly kind: string;
}

/** Kinds with enough images, and those without. */
export interface Kinds<T> {
  /** By kind, in the order of their names. */
  readonly measurable: ReadonlyMap<string, readonly T[]>;
  /** Kind and its images. */
  readonly others: readonly {
    readonly kind: string;
    readonly images: number;
  }[];
}

/** One draw of a kind's images. */
export interface Draw<T> {
  /** Never among `tune`. */
  readonly test: readonly T[];
  /** In the order in which they are corrected. */
  readonly tune: readonly T[];
}

/** Sort kinds by whether they can be measured. */
export function sortKinds<T extends Named>(items: readonly T[]): Kinds<T> {
  const groups = [...Map.groupBy(items, ({ kind }) => kind)]
    .sort(([a], [b]) => a < b ? -1 : 1);
  const isEnough = ([, each]: [string, T[]]) => each.length >= TUNED + TESTED;
  return {
    measurable: new Map(groups.filter(isEnough)),
    others: groups.filter((group) => !isEnough(group))
      .map(([kind, { length }]) => ({ kind, images: length })),
  };
}

/**
 * Draw images of one kind.
 *
 * The same draw has the same test images whatever the number of tuned ones, so
 * that the points of a curve can be compared.
 *
 * @param draw  0, 1, …
 */
export function drawImages<T extends Named>(
  items: readonly T[],
  draw: number,
): Draw<T> {
  const placeOf = ({ name }: T) =>
    createHash("sha256").update(`${draw} ${name}`).digest("hex");
  const order = items.map((item) => ({ item, place: placeOf(item) }))
    .sort((a, b) => a.place < b.place ? -1 : 1)
    .map(({ item }) => item);
  return {
    test: order.slice(0, TESTED),
    tune: order.slice(TESTED, TESTED + Math.max(...COUNTS)),
  };
}

/** What a base model learns from: everything but the kind. */
export function leaveOut<T extends Named>(
  items: readonly T[],
  kind: string,
): T[] {
  return items.filter((item) => item.kind !== kind);
}
