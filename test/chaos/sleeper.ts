/**
 * An encoder that reads labels and sleeps; certain images end its process.
 *
 * @module
 */
import process from "node:process";
import type { Encoder } from "../../shared/pipeline/encoder.ts";
import { createLabelReader } from "../pipeline/fake_encoder.ts";

/** A label that is in no image but those that end the process. */
export const DEADLY = 251;

/** As a real one would on a fault of its driver, it takes the process along. */
export function createSleeper(tileMs: number): Encoder {
  const reader = createLabelReader();
  return {
    ...reader,
    async encode(batch) {
      await new Promise((resolve) => setTimeout(resolve, tileMs * batch.count));
      if (batch.data.includes(DEADLY)) process.exit(9);
      const encoded = await reader.encode(batch);
      // it remembers what it was given
      reader.tiles.length = 0;
      reader.batches.length = 0;
      return encoded;
    },
  };
}
