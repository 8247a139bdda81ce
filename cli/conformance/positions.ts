/**
 * Positions of pixels that follow the flows, against the peer's.
 *
 * @module
 */
import { isVolume } from "../../shared/ndarray.ts";
import type { Core } from "../../wasm/mod.ts";
import {
  type Case,
  CaseError,
  getArray,
  getFloats,
  getNumber,
  hasArrays,
  spell,
} from "./case.ts";
import { type Check, mostWithin } from "./check.ts";
import { getNetworkOutput, NITER } from "./network.ts";

/** Steps of `final_positions_niter20`. */
const FEW_STEPS = 20;

/**
 * Check `final_positions_niter20` (≤0.01 px for ≥99.5 % of pixels) and
 * `final_positions` (≤0.2 px and the same truncated pixel for ≥99 %).
 */
export function checkPositions(core: Core, from: Case): Check[] {
  const checks: Check[] = [];
  if (hasArrays(from, "dP", "cellprob", "final_positions_niter20")) {
    const errors = measure(core, from, {
      name: "final_positions_niter20",
      niter: FEW_STEPS,
    });
    checks.push(mostWithin("positions after 20 steps", errors.distances, {
      share: 0.995,
      limit: 0.01,
      unit: "px",
    }));
  }
  if (hasArrays(from, "dP", "cellprob", "final_positions")) {
    const { distances, isMoved } = measure(core, from, {
      name: "final_positions",
      niter: getNumber(from, "niter", NITER),
    });
    // another truncated pixel is as bad as any distance
    const errors = distances.map((d, i) => isMoved[i] ? Math.max(d, 1) : d);
    checks.push(mostWithin("final positions", errors, {
      share: 0.99,
      limit: 0.2,
      unit: "px, 1 or more where the pixel differs",
    }));
  }
  return checks;
}

/** Check `final_positions` of a volume: ≤0.01 px for ≥99.5 % of voxels. */
export function checkVolumePositions(core: Core, from: Case): Check[] {
  if (!hasArrays(from, "dP", "cellprob", "final_positions")) return [];
  const { distances } = measure(core, from, {
    name: "final_positions",
    niter: getNumber(from, "niter", NITER),
  });
  return [mostWithin("final positions", distances, {
    share: 0.995,
    limit: 0.01,
    unit: "px",
  })];
}

function measure(
  core: Core,
  from: Case,
  { name, niter }: { name: string; niter: number },
): { distances: Float64Array; isMoved: Uint8Array } {
  const { flows, foreground, size } = getNetworkOutput(from);
  const { points } = core.followFlows(flows, foreground, size, {
    niter,
    convention: "cellpose",
    earlyStop: false,
  });
  const axes = isVolume(size) ? 3 : 2;
  const count = points.length / axes;
  const { shape } = getArray(from, name);
  if (shape[0] !== axes || shape[1] !== count) {
    throw new CaseError(
      `${name}.npy is ${
        spell(shape)
      }, cellprob has ${count} foreground pixels of ${axes} axes`,
    );
  }
  const theirs = getFloats(from, name);
  const distances = new Float64Array(count);
  const isMoved = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    let squares = 0;
    for (let axis = 0; axis < axes; axis++) {
      const [ours, peers] = [points[i * axes + axis], theirs[axis * count + i]];
      squares += (ours - peers) ** 2;
      if (Math.trunc(ours) !== Math.trunc(peers)) isMoved[i] = 1;
    }
    distances[i] = Math.sqrt(squares);
  }
  return { distances, isMoved };
}
