/**
 * Look now and then for jobs whose edge or worker fell in the middle.
 *
 * @module
 */
import type { JobBook } from "./job_types.ts";
import type { Json } from "./types.ts";

/** How often, and how old a job is when it is looked at, ms. */
const EVERY_MS = 60_000;

/** What it needs. */
export interface SweepOptions {
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly log: (entry: Readonly<Record<string, Json>>) => void;
  readonly everyMs?: number;
}

/** Sweep at once and then regularly, until the signal; never throws. */
export async function keepSwept(
  book: Pick<JobBook, "sweep">,
  { now, signal, log, everyMs = EVERY_MS }: SweepOptions,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const mended = await book.sweep(now() - everyMs);
      if (mended > 0) log({ event: "jobs mended", count: mended });
    } catch (err) {
      const error = err instanceof Error ? err.message : `${err}`;
      log({ event: "sweep failed", error });
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(end, everyMs);
      function end() {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      }
      signal.addEventListener("abort", end);
    });
  }
}
