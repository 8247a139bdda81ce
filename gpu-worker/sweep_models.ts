/**
 * Let go of deleted models now and then.
 *
 * @module
 */
import { setTimeout } from "node:timers/promises";
import type { ConsumeOptions } from "../shared/queue/consume_work.ts";
import type { ModelCache } from "./model_cache.ts";

/** A deleted model is on no worker's disk, or in its memory, after so long. */
const EVERY_MS = 10 * 60_000;

/** Sweep at once, then every ten minutes until `drain`. */
export async function sweepModels(
  cache: Pick<ModelCache, "sweep">,
  { drain, log }: Pick<ConsumeOptions, "drain" | "log">,
): Promise<void> {
  while (!drain.aborted) {
    try {
      await cache.sweep();
    } catch (err) {
      const error = err instanceof Error ? err.message : String(err);
      log({ event: "models not swept", error });
    }
    await setTimeout(EVERY_MS, undefined, { signal: drain }).catch(() => {});
  }
}
