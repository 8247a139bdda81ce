/**
 * Inflate with a limit: what a header promised is all that is unpacked.
 *
 * @module
 */
import { Gunzip, Inflate, Unzlib } from "fflate";
import { CorruptImageError } from "../errors.ts";
import { inflateWhole, platform } from "./zlib.ts";

/** Input pushed at once: 16 KiB unpack to 16 MiB at most. */
const STEP_BYTES = 1 << 14;

/** More is unpacked step by step, so that others get their turn. */
const AT_ONCE_BYTES = 2 ** 24;

/** How bounded inflating is done. */
export interface InflateOptions {
  /** The container; default zlib. */
  readonly wrapper?: "zlib" | "gzip" | "none";
  /** What the data is called in errors. */
  readonly format: string;
}

/**
 * Inflate at most `maxBytes` bytes.
 *
 * @returns  what was unpacked, `maxBytes` at most; shorter if the data is
 * @throws {CorruptImageError} if the data is broken, or unpacks to more
 */
export function inflate(
  bytes: Uint8Array,
  maxBytes: number,
  options: InflateOptions,
): Uint8Array {
  const chunks: Uint8Array[] = [];
  const total = inflateChunks(bytes, maxBytes, options, (c) => chunks.push(c));
  return join(chunks, total);
}

/**
 * The same for zlib data, by the platform where that can: several times as
 * fast.
 *
 * What it refuses, or gives less of than was promised, is left to `inflate`.
 */
export async function inflateFast(
  bytes: Uint8Array<ArrayBuffer>,
  maxBytes: number,
  options: { readonly format: string },
): Promise<Uint8Array> {
  if (platform !== undefined && maxBytes <= AT_ONCE_BYTES) {
    const whole = inflateWhole(bytes, maxBytes);
    return whole?.length === maxBytes
      ? whole
      : inflate(bytes, maxBytes, options);
  }
  const chunks: Uint8Array[] = [];
  let total = 0;
  const reader = streamSteps(bytes)
    .pipeThrough(new DecompressionStream("deflate")).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (total + value.length > maxBytes) {
        await reader.cancel();
        throw tooMuch(maxBytes, options.format);
      }
      chunks.push(value);
      total += value.length;
    }
  } catch (err) {
    if (err instanceof CorruptImageError) throw err;
  }
  // not every platform tells of data that is cut short
  if (total < maxBytes) return inflate(bytes, maxBytes, options);
  return join(chunks, total);
}

/** Bytes a step at a time: what one unpacks to is bounded. */
function streamSteps(
  bytes: Uint8Array<ArrayBuffer>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) {
        controller.enqueue(bytes.subarray(at, at + STEP_BYTES));
        at += STEP_BYTES;
      } else controller.close();
    },
  });
}

function join(chunks: readonly Uint8Array[], total: number): Uint8Array {
  if (chunks.length === 1) return chunks[0];
  const out = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

function tooMuch(maxBytes: number, format: string): CorruptImageError {
  return new CorruptImageError(
    format,
    `its data unpacks to more than the ${maxBytes} bytes of its header`,
  );
}

function inflateChunks(
  bytes: Uint8Array,
  maxBytes: number,
  { wrapper = "zlib", format }: InflateOptions,
  take: (chunk: Uint8Array) => void,
): number {
  let total = 0;
  const receive = (chunk: Uint8Array) => {
    total += chunk.length;
    if (total > maxBytes) {
      throw tooMuch(maxBytes, format);
    }
    if (chunk.length > 0) take(chunk);
  };
  const type = { zlib: Unzlib, gzip: Gunzip, none: Inflate }[wrapper];
  const stream = new type(receive);
  try {
    for (let at = 0; at < bytes.length; at += STEP_BYTES) {
      const end = Math.min(bytes.length, at + STEP_BYTES);
      stream.push(bytes.subarray(at, end), end === bytes.length);
    }
  } catch (err) {
    if (err instanceof CorruptImageError) throw err;
    throw new CorruptImageError(format, "its compressed data is broken", {
      cause: err,
    });
  }
  return total;
}
