/**
 * Work that goes on beside what starts it, a few pieces at a time.
 *
 * @module
 */

/** Lanes that work runs in. */
export interface Lanes {
  /** Begin a piece as soon as a lane is free; rejects where one has failed. */
  start(run: () => Promise<unknown>): Promise<void>;
  /** Wait for all that has begun; rejects with the first failure. */
  end(): Promise<void>;
}

/** Open `count` lanes. */
export function createLanes(count: number): Lanes {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const check = () => {
    if (failures.length > 0) throw failures[0];
  };
  return {
    async start(run) {
      while (running.size >= count) await Promise.race(running);
      check();
      const done: Promise<void> = run()
        .then(() => {}, (err: unknown) => {
          failures.push(err);
        })
        .finally(() => running.delete(done));
      running.add(done);
    },
    async end() {
      await Promise.all(running);
      check();
    },
  };
}
