/**
 * The network's output to the store while masks are computed from it.
 *
 * It is the largest file of a result, and known first. It appears only when
 * the masks are there: a result that comes to nothing leaves none behind.
 *
 * @module
 */
import { encodeNpyHeader } from "../shared/image/npy.ts";
import type { NetworkOutput } from "../shared/pipeline/blend_outputs.ts";
import type { ObjectStore } from "../shared/storage/types.ts";

/** A network's output on its way. */
export interface SentNetwork {
  /** Its bytes are handed over, as far as they are before `release`. */
  readonly sent: Promise<void>;
  /** Let it appear, and wait until it is stored. */
  release(): Promise<void>;
  /** It does not appear; resolves when nothing of it is left. */
  drop(): Promise<void>;
}

/**
 * Begin to store what masks are computed again from: 3×H×W f32, dY, dX,
 * cellprob.
 *
 * @param output  not to be changed before it is stored
 */
export function sendNetwork(
  store: ObjectStore,
  key: string,
  { flows, cellprob, size }: NetworkOutput,
): SentNetwork {
  const shape = [3, size.height, size.width];
  // as pieces: a copy would be another 12 bytes a pixel beside the masks
  const pieces = [
    encodeNpyHeader(flows, shape),
    ...adjoin(flows, cellprob).map(bytesOf),
  ];
  const wait = Promise.withResolvers<void>();
  const sent = Promise.withResolvers<void>();
  const stored = store.put(key, streamOf(pieces), {
    mediaType: "application/octet-stream",
    length: pieces.reduce((sum, { length }) => sum + length, 0),
    after: wait.promise,
    onSent: sent.resolve,
  }).finally(sent.resolve);
  // told by `release`, which may be called much later
  stored.catch(() => {});
  return {
    sent: sent.promise,
    async release() {
      wait.resolve();
      await stored;
    },
    async drop() {
      wait.reject(new Error("The result came to nothing"));
      await stored.catch(() => {});
    },
  };
}

/** Two arrays, or one where they lie one behind the other. */
function adjoin(first: Float32Array, second: Float32Array): Float32Array[] {
  const isSide = first.buffer === second.buffer &&
    first.byteOffset + first.byteLength === second.byteOffset;
  if (!isSide) return [first, second];
  const length = first.length + second.length;
  return [new Float32Array(first.buffer, first.byteOffset, length)];
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array) {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

function streamOf(pieces: readonly Uint8Array<ArrayBuffer>[]) {
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}
