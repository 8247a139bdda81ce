/**
 * Make an encoder ready: the first tile of a network takes longest.
 *
 * @module
 */
import type { Encoder } from "../shared/pipeline/encoder.ts";

/** Run one empty tile; gives the milliseconds that it took. */
export async function warmUp({ model, encode }: Encoder): Promise<number> {
  const { channels, tileSize } = model;
  const start = performance.now();
  await encode({
    data: new Float32Array(channels * tileSize * tileSize),
    count: 1,
    channels,
    height: tileSize,
    width: tileSize,
  });
  return performance.now() - start;
}
