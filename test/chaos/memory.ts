/**
 * What a process of a run holds, garbage aside.
 *
 * @module
 */
import process from "node:process";

/** Bytes. */
export interface Memory {
  /** Of the heap, after a collection. */
  readonly heap: number;
  /** Of arrays and buffers outside of it. */
  readonly external: number;
  /** Resident, with what the engine keeps for garbage to come. */
  readonly resident: number;
}

/** What asks a process, and begins its answer's line. */
export const ASK = "SIGUSR2" as const;
export const ANSWER = "memory ";

/** Answer whenever asked; the process needs `--expose-gc`. */
export function tellMemory(): void {
  process.on(ASK, () => {
    const { gc } = globalThis as { gc?: () => void };
    // what has a finalizer goes with the second
    gc?.();
    gc?.();
    const { heapUsed, external, rss } = process.memoryUsage();
    const memory: Memory = { heap: heapUsed, external, resident: rss };
    process.stdout.write(`${ANSWER}${JSON.stringify(memory)}\n`);
  });
}
