/** Where a timed step runs, and in which precision. */
import {
  type NodeProvider,
  PROVIDERS,
} from "../../../gpu-worker/encoder_node.ts";
import {
  COMPUTE,
  type TrainPrecision,
} from "../../../gpu-worker/train/compute.ts";

/** Read PRECISION and PROVIDER of a command line; both may be missing. */
export function readDevice(
  [precision = "fp32", provider = "cpu"]: readonly string[],
) {
  const isPrecision = (name: string): name is TrainPrecision => name in COMPUTE;
  const isProvider = (name: string): name is NodeProvider =>
    PROVIDERS.some((one) => one === name);
  if (!isPrecision(precision) || !isProvider(provider)) {
    throw new Error(
      `${precision} ${provider}: give one of ${
        Object.keys(COMPUTE)
      }, one of ${PROVIDERS}`,
    );
  }
  return { compute: COMPUTE[precision], provider };
}
