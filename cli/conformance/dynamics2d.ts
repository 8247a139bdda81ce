/**
 * Kind `dynamics2d`: labels → flows → positions → masks → scores.
 *
 * Each array is checked on the peer's own input to that step, so that one
 * miss does not hide behind another; arrays that a case lacks are left out.
 *
 * @module
 */
import type { Core } from "../../wasm/mod.ts";
import type { Case } from "./case.ts";
import type { Check } from "./check.ts";
import { checkFlows } from "./flows.ts";
import { checkFlowErrors, checkMasks } from "./masks.ts";
import { checkPositions } from "./positions.ts";
import { checkScores } from "./scores.ts";

/** Check a case of this kind. */
export function dynamics2d(core: Core, from: Case): Check[] {
  return [
    ...checkFlows(core, from),
    ...checkPositions(core, from),
    ...checkMasks(core, from),
    ...checkFlowErrors(core, from),
    ...checkScores(core, from),
  ];
}
