/**
 * Seeded faults: which call fails, and how, depends on the seed and on the
 * order of calls only.
 *
 * @module
 */
import { createRandom } from "../../shared/synthetic/random.ts";

/** How often a call goes wrong; shares of 1. */
export interface FaultRates {
  /** Fails before anything is done. */
  readonly refused?: number;
  /** Is done, and then fails: the answer was lost. */
  readonly unanswered?: number;
  /** Takes `slowMs` longer. */
  readonly slow?: number;
  /** Storage: a body ends early. Queue: a delivery is lost, doubled, moved. */
  readonly partial?: number;
}

/** What happens, and what has happened. */
export interface Faults {
  /**
   * Make a call that may go wrong.
   *
   * @param fail  gives the error of an adapter whose server does this
   */
  call<T>(run: () => Promise<T>, fail: (how: string) => Error): Promise<T>;
  /** Whether something is partial this time. */
  isPartial(): boolean;
  /** An integer in [0, count). */
  below(count: number): number;
  /** How often each kind has happened. */
  readonly counts: Readonly<Record<keyof FaultRates, number>>;
  /** From here on nothing goes wrong. */
  stop(): void;
}

/** Start a sequence of faults. */
export function createFaults(
  seed: number,
  { refused = 0, unanswered = 0, slow = 0, partial = 0, slowMs = 50 }:
    & FaultRates
    & { readonly slowMs?: number },
): Faults {
  const random = createRandom(seed);
  const counts = { refused: 0, unanswered: 0, slow: 0, partial: 0 };
  let isStopped = false;
  const happens = (kind: keyof FaultRates, rate: number) => {
    // drawn though stopped, so that the sequence stays the same
    const isHit = random.uniform() < rate && !isStopped;
    if (isHit) counts[kind]++;
    return isHit;
  };
  return {
    async call(run, fail) {
      const isRefused = happens("refused", refused);
      const isUnanswered = happens("unanswered", unanswered);
      if (happens("slow", slow)) {
        await new Promise((resolve) => setTimeout(resolve, slowMs));
      }
      if (isRefused) throw fail("refused");
      const value = await run();
      if (isUnanswered) throw fail("unanswered");
      return value;
    },
    isPartial: () => happens("partial", partial),
    below: (count) => random.below(count),
    counts,
    stop() {
      isStopped = true;
    },
  };
}
