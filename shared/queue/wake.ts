/**
 * Waits that end by a call, a signal or a time, whichever is first.
 *
 * @module
 */

/** Who waits for what, within one process. */
export interface Wakes {
  /** End the waits for a topic. */
  wake(topic: string): void;
  /** Wait until the topic is woken, the signal aborts, or `ms` have passed. */
  wait(topic: string, ms: number, signal: AbortSignal): Promise<void>;
}

/** Waits of one process. */
export function createWakes(): Wakes {
  const waiting = new Map<string, Set<() => void>>();
  return {
    wake(topic) {
      for (const end of waiting.get(topic) ?? []) end();
    },
    wait: (topic, ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const ends = waiting.get(topic) ?? new Set();
        waiting.set(topic, ends);
        const end = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", end);
          ends.delete(end);
          if (ends.size === 0) waiting.delete(topic);
          resolve();
        };
        const timer = setTimeout(end, ms);
        signal.addEventListener("abort", end);
        ends.add(end);
      }),
  };
}

/** A signal that aborts with any of those given. */
export function anyOf(...signals: (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}
