/**
 * Settle the precision of a training before it begins.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";
import { COMPUTE, type TrainPrecision } from "./compute.ts";
import type { TrainableNetwork } from "./network.ts";
import { type ProbeOptions, probePrecision } from "./probe_precision.ts";
import type { TrainerOptions } from "./trainer.ts";

/** What is asked for; default fp32 on the processor, else auto. */
export type WantedPrecision = TrainPrecision | "auto";

/** What a training uses and why; kept with its model. */
export interface SettledPrecision {
  readonly wanted: WantedPrecision;
  readonly used: TrainPrecision;
  readonly reason: string;
}

/** The order in which `auto` asks: bf16 cannot overflow. */
const HALVES = ["bf16", "fp16"] as const;

/**
 * Settle the precision of a training.
 *
 * @throws {ArgumentError} if the named one is not to be had
 */
export async function settlePrecision(
  network: TrainableNetwork,
  wanted: WantedPrecision,
  options: ProbeOptions,
): Promise<SettledPrecision> {
  if (wanted === "fp32") return { wanted, used: wanted, reason: "as asked" };
  const tried: string[] = [];
  for (const used of wanted === "auto" ? HALVES : [wanted]) {
    const { isAvailable, reason } = await probePrecision(
      network,
      used,
      options,
    );
    tried.push(`${used}: ${reason}`);
    if (isAvailable) return { wanted, used, reason: tried.join("; ") };
  }
  const reason = tried.join("; ");
  if (wanted === "auto") return { wanted, used: "fp32", reason };
  throw new ArgumentError(
    "precision",
    `${reason}; use --precision fp32, or auto for the best there is`,
  );
}

/** Smallest edge of the probe's crop, pixels. */
const EDGE = 32;

/**
 * Settle the precision of a network to train, in the words of a `Trainable`.
 *
 * @param options  with the network's channels, and what its edges are
 *                 multiples of
 * @throws {ArgumentError} if the named one is not to be had
 */
export async function settleFor(
  network: TrainableNetwork,
  wanted: WantedPrecision,
  { channels, multiple, ...options }: TrainerOptions & {
    channels: number;
    multiple: number;
  },
): Promise<{
  /** For the identity: nothing in fp32, where it always was so. */
  mark: string;
  told: { precision?: SettledPrecision };
  options: Pick<TrainerOptions, "compute">;
}> {
  if (wanted === "fp32") return { mark: "", told: {}, options: {} };
  const edge = Math.ceil(EDGE / multiple) * multiple;
  const precision = await settlePrecision(network, wanted, {
    ...options,
    shape: { count: 1, channels, height: edge, width: edge },
  });
  const { used } = precision;
  return {
    mark: used === "fp32" ? "" : ` ${used}`,
    told: { precision },
    options: { compute: COMPUTE[used] },
  };
}
