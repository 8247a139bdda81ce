/**
 * Tiles to network outputs: cut, batch, run, average over models.
 *
 * @module
 */
import { isSegError, type ModelError } from "../errors.ts";
import type { Core, TilePlan } from "../../wasm/mod.ts";
import { chooseBatch } from "./batch_size.ts";
import type { Encoder } from "./encoder.ts";
import type { RowSource } from "./rows.ts";

/** A tile whose normalized values differ by less is empty. */
const EMPTY_RANGE = 0.02;

/** Logit of a tile that was skipped: a probability of 0.2 %. */
const EMPTY_CELLPROB = -6;

/** One tile's output, in the plan's order. */
export interface EncodedTile {
  readonly tile: number;
  /** K×h×w f32 */
  readonly output: Float32Array;
  /** S f32, where the network has a style */
  readonly style?: Float32Array;
}

/** What was found on the way. */
export interface EncodeFacts {
  batchSize: number;
  /** Times that the device had no memory for a batch. */
  batchHalvings: number;
  /** Tiles that the network did not run on. */
  skippedTiles: number;
  encodeMs: number;
  cutMs: number;
}

/** What to encode, and how. */
export interface EncodeJob {
  readonly core: Core;
  /** One, or an ensemble whose outputs are averaged. */
  readonly encoders: readonly Encoder[];
  readonly plan: TilePlan;
  readonly source: RowSource;
  readonly skipEmptyTiles: boolean;
  /** Planes of logits that are low on empty tiles; default: the last. */
  readonly foreground?: readonly number[] | undefined;
  /** Tiles at a time; `null`: measured. */
  readonly batchSize: number | null;
  readonly signal?: AbortSignal | undefined;
}

/** Facts at the start. */
export function startFacts(): EncodeFacts {
  return {
    batchSize: 0,
    batchHalvings: 0,
    skippedTiles: 0,
    encodeMs: 0,
    cutMs: 0,
  };
}

/**
 * Encode a plan's tiles in its order.
 *
 * A batch that the device has no memory for is halved and tried again.
 *
 * @param job    core, encoders, plan, rows of the image
 * @param facts  filled in
 * @returns      one output a tile
 * @throws {ModelError} if one tile is too much
 *
 * Source: cellpose 4.2.1.1 `run_net`; ensembles: cellpose 2 `_run_nets`.
 * Differs: tiles are cut when their batch is due; empty ones may be skipped.
 */
export async function* encodeTiles(
  job: EncodeJob,
  facts: EncodeFacts,
): AsyncGenerator<EncodedTile> {
  const batch = chooseBatch(job.encoders, job.batchSize);
  const tiles = cutTiles(job, facts);
  let waiting: { tile: number; data?: Float32Array }[] = [];
  let isDone = false;
  while (true) {
    // fill a batch; skipped tiles wait in line, too, to keep the order
    let full = waiting.filter(({ data }) => data).length;
    while (!isDone && full < batch.size()) {
      const next = await tiles.next();
      isDone = next.done === true;
      if (next.done) break;
      waiting.push(next.value);
      if (next.value.data) full++;
    }
    if (waiting.length === 0) return;
    job.signal?.throwIfAborted();

    const due = waiting.filter(({ data }) => data).slice(0, batch.size());
    const start = performance.now();
    let outputs: EncodedTile[] = [];
    if (due.length > 0) {
      const data = joined(due.map((each) => each.data!));
      try {
        const tiles = due.map(({ tile }) => tile);
        const encoded = await encodeBatch(job, data, tiles);
        outputs = encoded.tiles;
        facts.encodeMs += encoded.encodeMs;
        await batch.learn(due.length);
      } catch (err) {
        if (!isOutOfMemory(err) || due.length === 1) throw err;
        facts.encodeMs += performance.now() - start;
        batch.halve(due.length);
        facts.batchHalvings++;
        continue;
      }
    }
    facts.batchSize = Math.max(facts.batchSize, due.length);

    const last = due.at(-1)?.tile ?? Infinity;
    const leaving = waiting.filter(({ tile }) => tile <= last);
    waiting = waiting.filter(({ tile }) => tile > last);
    let at = 0;
    for (const { tile, data } of leaving) {
      if (data) yield outputs[at++];
      else yield { tile, output: emptyOutput(job) };
    }
  }
}

/** Cut tiles row by row; empty ones have no data where they are skipped. */
async function* cutTiles(
  { core, plan, source, skipEmptyTiles }: EncodeJob,
  facts: EncodeFacts,
): AsyncGenerator<{ tile: number; data?: Float32Array }> {
  const columns = plan.columns.length;
  const { channels, size: { height, width } } = source;
  for (const [row, y] of plan.rows.entries()) {
    // rows of the image under this row of tiles
    const start = performance.now();
    const top = Math.max(y - plan.padTop, 0);
    const end = Math.min(y - plan.padTop + plan.tileHeight, height);
    const count = end - top;
    const band = await source.rows(top, count);
    const tiles = plan.tiles.slice(row * columns, (row + 1) * columns)
      .map((tile) => ({ ...tile, top: tile.top - top }));
    const bandPlan = { ...plan, size: { height: count, width }, tiles };
    facts.cutMs += performance.now() - start;
    for (let column = 0; column < columns; column++) {
      const start = performance.now();
      const tile = row * columns + column;
      const data = core.cutTile(band, bandPlan, { tile: column, channels });
      const isSkipped = skipEmptyTiles && isEmpty(core, data);
      facts.cutMs += performance.now() - start;
      if (isSkipped) facts.skippedTiles++;
      yield isSkipped ? { tile } : { tile, data };
    }
  }
}

function isEmpty(core: Core, data: Float32Array): boolean {
  const [low, high] = core.findPercentiles(data, [0, 100]);
  return high - low < EMPTY_RANGE;
}

function emptyOutput({ encoders: [{ model }], plan, foreground }: EncodeJob) {
  const pixels = plan.tileHeight * plan.tileWidth;
  const output = new Float32Array(model.outputs * pixels);
  for (const k of foreground ?? [model.outputs - 1]) {
    output.fill(EMPTY_CELLPROB, k * pixels, (k + 1) * pixels);
  }
  return output;
}

/** Run all models on a batch and average their outputs. */
async function encodeBatch(
  { core, encoders, plan, source: { channels } }: EncodeJob,
  data: Float32Array,
  tiles: readonly number[],
): Promise<{ tiles: EncodedTile[]; encodeMs: number }> {
  const { tileHeight: height, tileWidth: width } = plan;
  const count = tiles.length;
  const results = [];
  let encodeMs = 0;
  for (const encoder of encoders) {
    const start = performance.now();
    const result = await encoder.encode({
      data,
      count,
      channels,
      height,
      width,
    });
    encodeMs += result.encodeMs ?? performance.now() - start;
    results.push(result);
  }
  const [{ outputs, styles }] = results;
  const mean = results.length === 1
    ? outputs
    : core.meanPlanes(joined(results.map((r) => r.outputs)), results.length);
  const length = mean.length / count;
  const encoded = tiles.map((tile, i) => ({
    tile,
    output: mean.subarray(i * length, (i + 1) * length),
    ...(styles
      ? {
        style: styles.slice(
          i * styles.length / count,
          (i + 1) * styles.length / count,
        ),
      }
      : {}),
  }));
  return { tiles: encoded, encodeMs };
}

/** Arrays of one length, one behind the other; a single one as it is. */
function joined(arrays: readonly Float32Array[]): Float32Array {
  if (arrays.length === 1) return arrays[0];
  const all = new Float32Array(arrays.length * arrays[0].length);
  for (const [i, each] of arrays.entries()) all.set(each, i * each.length);
  return all;
}

function isOutOfMemory(err: unknown): boolean {
  return isSegError(err, "model") && (err as ModelError).isOutOfMemory;
}
