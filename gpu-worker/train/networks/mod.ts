/**
 * The designs that were compared, and the baselines.
 *
 * @module
 */
import { contextNet } from "./context_net.ts";
import { cpnet } from "./cpnet.ts";
import type { Design } from "./design.ts";
import { invertedUnet } from "./inverted_unet.ts";
import { plainUnet } from "./plain_unet.ts";
import { residualUnet } from "./residual_unet.ts";

export { countMacs } from "./count_macs.ts";
export * from "./design.ts";

/** All designs by name. */
export const DESIGNS: Readonly<Record<string, Design>> = Object.fromEntries(
  [residualUnet, invertedUnet, contextNet, plainUnet, cpnet].map(
    (design) => [design.name, design],
  ),
);
