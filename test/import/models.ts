/**
 * Unpack the recorded networks of `test/fixtures/models`.
 *
 * @module
 */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const FIXTURES = fileURLToPath(
  new URL("../fixtures/models/", import.meta.url),
);
const TRAINING = fileURLToPath(
  new URL("../fixtures/training/", import.meta.url),
);
/** Recorded training steps. */
export const STEPS = ["cellpose_sam_0", "cellpose_sam_1"] as const;
const FAMILIES = [
  "cellpose_dino",
  "cellpose_sam",
  "cellpose_unet",
  "sam",
  "unet",
];

/** Three shapes a family. */
export const MODELS = FAMILIES.flatMap((name) =>
  [0, 1, 2].map((i) => `${name}_${i}`)
);

/** Unpack cases into a fresh temporary folder; returns it. */
export function unpackModels(ids: readonly string[] = MODELS): string {
  return unpackFrom(FIXTURES, ids);
}

/** Unpack training steps into a fresh temporary folder; returns it. */
export function unpackSteps(ids: readonly string[] = STEPS): string {
  return unpackFrom(TRAINING, ids);
}

function unpackFrom(folder: string, ids: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), "models-"));
  for (const id of ids) {
    mkdirSync(join(root, id));
    for (const file of readdirSync(join(folder, id))) {
      const bytes = gunzipSync(readFileSync(join(folder, id, file)));
      writeFileSync(join(root, id, file.slice(0, -".gz".length)), bytes);
    }
  }
  return root;
}
