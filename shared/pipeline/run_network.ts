/**
 * A normalized image to flows and cell probabilities at the wanted size.
 *
 * @module
 */
import type { Size2D } from "../ndarray.ts";
import {
  blendInto,
  isSameSize,
  resizeOutput,
  type StoredOutput,
} from "./blend_outputs.ts";
import { type EncodedTile, encodeTiles } from "./encode_tiles.ts";
import type { PlaneJob } from "./job.ts";
import { resizedRows } from "./resized_rows.ts";
import type { RowSource } from "./rows.ts";

/** How tiles become an output. */
export interface TileUse<T> {
  readonly blend: (
    tiles: AsyncIterable<EncodedTile>,
    onTile: (tile: EncodedTile, milliseconds: number) => void,
  ) => Promise<T>;
  /** As `EncodeJob.foreground`. */
  readonly foreground?: readonly number[];
}

/**
 * Scale, cut and encode, and hand the tiles on.
 *
 * @param source  rows of the normalized image
 * @param job     the job; its times and counts go on
 */
export async function runTiles<T>(
  source: RowSource,
  job: PlaneJob,
  { blend, foreground }: TileUse<T>,
): Promise<T> {
  const { core, encoders, plan, scale, timings } = job;
  const before = { ...job.encodeFacts };
  const tiles = encodeTiles({
    core,
    encoders,
    plan,
    source: resizedRows(core, source, scale.size),
    skipEmptyTiles: job.parameters.skipEmptyTiles,
    foreground,
    batchSize: job.batchSize ?? null,
    signal: job.signal,
  }, job.encodeFacts);
  const blended = await blend(tiles, (_, milliseconds) => {
    timings.blend += milliseconds;
    job.onProgress?.({ done: ++job.tilesDone, total: job.tilesTotal });
  });
  timings.encode += job.encodeFacts.encodeMs - before.encodeMs;
  timings.cut += job.encodeFacts.cutMs - before.cutMs;
  return blended;
}

/**
 * Scale, cut, encode, blend and scale back.
 *
 * @param create  makes an output of a size
 * @returns       the output at the image's size, at the network's without
 *                `resample`
 */
export async function runNetwork<T extends StoredOutput>(
  source: RowSource,
  job: PlaneJob,
  create: (size: Size2D) => T,
): Promise<T> {
  const { core, encoders: [{ model }], parameters, plan, timings } = job;
  const output = create(plan.size);
  await runTiles(source, job, {
    blend: (tiles, onTile) =>
      blendInto(core, plan, {
        tiles,
        channels: model.outputs,
        store: output.store,
        onTile,
      }),
  });
  if (!parameters.resample || isSameSize(plan.size, source.size)) return output;
  const start = performance.now();
  const resized = create(source.size);
  await resizeOutput(core, output, resized);
  timings.resize += performance.now() - start;
  return resized;
}
