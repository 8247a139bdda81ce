/**
 * Tiles of several images in one batch: calls that come while the device is
 * busy are run together, up to a number of tiles.
 *
 * Nothing waits for company: an idle device starts at once. On a processor
 * batches gain nothing, so calls only take turns there, each by itself.
 *
 * @module
 */
import { isSegError, type ModelError } from "../shared/errors.ts";
import type {
  EncodedBatch,
  Encoder,
  TileBatch,
} from "../shared/pipeline/encoder.ts";

/** Tiles of a merged batch at most, as of one image. */
const MAX_TILES = 8;

interface Call {
  readonly batch: TileBatch;
  readonly resolve: (result: EncodedBatch) => void;
  readonly reject: (err: unknown) => void;
}

/**
 * Merge concurrent calls of an encoder.
 *
 * Where the device has no memory for a merged batch its calls are run one by
 * one, and later ones are merged to half as many tiles.
 *
 * @param maxTiles  default 8, and 1 on a processor: calls take turns
 */
export function mergeCalls(
  encoder: Encoder,
  maxTiles = encoder.provider === "cpu" ? 1 : MAX_TILES,
): Encoder {
  let waiting: Call[] = [];
  let isBusy = false;
  let limit = maxTiles;

  async function work(): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    while (waiting.length > 0) {
      const calls = takeAlike(waiting, limit);
      waiting = waiting.filter((call) => !calls.includes(call));
      await runTogether(calls);
    }
    isBusy = false;
  }

  async function runTogether(calls: readonly Call[]): Promise<void> {
    const start = performance.now();
    try {
      const whole = await encoder.encode(join(calls));
      const encodeMs = performance.now() - start;
      split(whole, calls).forEach((result, i) => {
        const share = calls[i].batch.count / countTiles(calls);
        calls[i].resolve({ ...result, encodeMs: encodeMs * share });
      });
    } catch (err) {
      if (calls.length === 1 || !isOutOfMemory(err)) {
        for (const { reject } of calls) reject(err);
        return;
      }
      limit = Math.max(1, Math.floor(countTiles(calls) / 2));
      // each by itself: its owner halves it further where it must
      for (const call of calls) await runTogether([call]);
    }
  }

  return {
    ...encoder,
    encode: (batch) =>
      new Promise((resolve, reject) => {
        waiting.push({ batch, resolve, reject });
        work();
      }),
  };
}

/** The first call, and those behind it that fit with it into a batch. */
function takeAlike(calls: readonly Call[], limit: number): Call[] {
  const [first] = calls;
  const taken = [first];
  for (const call of calls.slice(1)) {
    const isAlike = call.batch.channels === first.batch.channels &&
      call.batch.height === first.batch.height &&
      call.batch.width === first.batch.width;
    if (isAlike && countTiles(taken) + call.batch.count <= limit) {
      taken.push(call);
    }
  }
  return taken;
}

function join(calls: readonly Call[]): TileBatch {
  const [{ batch }] = calls;
  if (calls.length === 1) return batch;
  const length = batch.data.length / batch.count;
  const count = countTiles(calls);
  const data = new Float32Array(count * length);
  let at = 0;
  for (const call of calls) {
    data.set(call.batch.data, at);
    at += call.batch.data.length;
  }
  return { ...batch, data, count };
}

function split(
  { outputs, styles }: EncodedBatch,
  calls: readonly Call[],
): EncodedBatch[] {
  const total = countTiles(calls);
  let at = 0;
  return calls.map(({ batch: { count } }) => {
    const part = (all: Float32Array) => {
      const length = all.length / total;
      return all.subarray(at * length, (at + count) * length);
    };
    const result = {
      outputs: part(outputs),
      ...(styles ? { styles: part(styles) } : {}),
    };
    at += count;
    return result;
  });
}

function countTiles(calls: readonly Call[]): number {
  return calls.reduce((sum, { batch }) => sum + batch.count, 0);
}

function isOutOfMemory(err: unknown): boolean {
  return isSegError(err, "model") && (err as ModelError).isOutOfMemory;
}
