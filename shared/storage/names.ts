/**
 * Files of a result beside its outputs.
 *
 * @module
 */

/** The description: written last, so a result with it is whole. */
export const RESULT_FILE = "result.json";

/** dY, dX (unit scale) and cell probability: 3×H×W f32, for new thresholds. */
export const NETWORK_FILE = "network.npy";
