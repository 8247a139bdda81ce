/**
 * Kind `dynamics3d`: labels → flows → positions → masks of volumes.
 *
 * @module
 */
import type { Core } from "../../wasm/mod.ts";
import type { Case } from "./case.ts";
import type { Check } from "./check.ts";
import { checkFlows } from "./flows.ts";
import { checkMasks } from "./masks.ts";
import { checkVolumePositions } from "./positions.ts";

/** Check a case of this kind. */
export function dynamics3d(core: Core, from: Case): Check[] {
  return [
    ...checkFlows(core, from),
    ...checkVolumePositions(core, from),
    ...checkMasks(core, from),
  ];
}
