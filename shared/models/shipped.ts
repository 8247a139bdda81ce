/**
 * The model that comes with the program.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Its name, and its folder beside this file. */
export const SHIPPED_MODEL = "cytoedge";

/**
 * Folder of the shipped model: model.onnx and model.json.
 *
 * @returns `undefined` in a version that comes without one
 */
export function findShippedModel(): string | undefined {
  const folder = fileURLToPath(new URL(`./${SHIPPED_MODEL}`, import.meta.url));
  return existsSync(folder) ? folder : undefined;
}
