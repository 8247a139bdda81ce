/**
 * Which item each crop of a training is cut from.
 *
 * The choice for a crop depends on the seed and its number only: a resumed
 * training goes on as if it had never stopped.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";
import { createRandom } from "../../shared/synthetic/mod.ts";
import { shuffle } from "./draw_crop.ts";

/**
 * How often kinds are seen: by their number of images ("count"), by its root
 * ("root"), all as often ("equal"), or weights of their own by kind.
 */
export type KindWeights =
  | "count"
  | "root"
  | "equal"
  | Readonly<Record<string, number>>;

/** Streams of random numbers that must not meet. */
const KIND_STREAM = 1;
const ORDER_STREAM = 2;

/**
 * Make the choice.
 *
 * With "count" all images come once before one comes again, in shuffled
 * rounds; else a kind is drawn by its weight, then one of its images.
 *
 * @param kinds    kind of every item
 * @param weights  of the kinds
 * @returns        the item of crop n = 0, 1, …
 * @throws {ArgumentError} for weights of kinds that are not there, or none
 */
export function chooseItems(
  kinds: readonly string[],
  { seed, weights }: { seed: number; weights: KindWeights },
): (crop: number) => number {
  const groups = [
    ...Map.groupBy(kinds.map((_, i) => i), (i) => kinds[i]),
  ].sort(([a], [b]) => a < b ? -1 : 1);
  if (groups.length === 0) throw new ArgumentError("images", "there are none");
  // all images in one round, as Cellpose sees them
  const rounds = weights === "count" ? [kinds.map((_, i) => i)] : groups.map((
    [, items],
  ) => items);
  const shares = weights === "count"
    ? [1]
    : sharesOf(groups.map(([kind, { length }]) => ({ kind, length })), weights);
  let last: { round: number; order: number[] } = { round: -1, order: [] };
  return (crop) => {
    const kind = shares.length === 1 ? 0 : drawShare(
      createRandom(seed, KIND_STREAM, crop).uniform(),
      shares,
    );
    const items = rounds[kind];
    if (shares.length === 1) return items[inRound(items.length, crop)];
    // how many crops of this kind came before is not known: draw afresh
    const random = createRandom(seed, ORDER_STREAM, kind, crop);
    return items[random.below(items.length)];
  };

  function inRound(length: number, crop: number): number {
    const round = Math.floor(crop / length);
    if (round !== last.round) {
      const random = createRandom(seed, ORDER_STREAM, round);
      last = { round, order: shuffle(random, length) };
    }
    return last.order[crop % length];
  }
}

function sharesOf(
  groups: readonly { kind: string; length: number }[],
  weights: Exclude<KindWeights, "count">,
): number[] {
  if (weights === "equal") return groups.map(() => 1 / groups.length);
  const raw = groups.map(({ kind, length }) =>
    weights === "root" ? Math.sqrt(length) : weights[kind] ?? 0
  );
  if (weights !== "root") {
    const unknown = Object.keys(weights).find((name) =>
      groups.every(({ kind }) => kind !== name)
    );
    if (unknown !== undefined) {
      throw new ArgumentError(
        "weightsByKind",
        `there is no kind "${unknown}"; kinds are ${
          groups.map(({ kind }) => kind).join("; ")
        }`,
      );
    }
  }
  const sum = raw.reduce((a, b) => a + b, 0);
  if (!(sum > 0) || raw.some((weight) => !(weight >= 0))) {
    throw new ArgumentError("weightsByKind", "must be 0 or more, one above 0");
  }
  return raw.map((weight) => weight / sum);
}

function drawShare(u: number, shares: readonly number[]): number {
  let sum = 0;
  for (const [i, share] of shares.entries()) {
    sum += share;
    if (u < sum) return i;
  }
  return shares.findLastIndex((share) => share > 0);
}
