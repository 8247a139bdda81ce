/**
 * Codecs of Zarr chunks that unpack no more than a chunk can hold.
 *
 * @module
 */
import { registry } from "zarrita";
import { CorruptImageError } from "../errors.ts";
import { inflate } from "./inflate.ts";
import { readClaim } from "./packed_claim.ts";

/** Widest sample; checksums and padding of a chunk besides. */
const MAX_SAMPLE_BYTES = 8;
const PADDING_BYTES = 1 << 16;

interface ChunkFacts {
  readonly shape: readonly number[];
}

interface BytesCodec {
  readonly kind: "bytes_to_bytes";
  encode(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  decode(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

let isDone = false;

/** Have the Zarr library unpack within bounds; later calls do nothing. */
export function boundCodecs(): void {
  if (isDone) return;
  isDone = true;
  for (const name of ["gzip", "zlib"] as const) {
    const entry = {
      fromConfig: (_: unknown, facts: ChunkFacts) =>
        inflating(name, maxBytes(facts)),
    };
    for (const key of [name, `numcodecs.${name}`]) {
      registry.set(key, () => entry as never);
    }
  }
  for (const name of ["blosc", "lz4", "zstd"] as const) {
    const original = registry.get(name);
    if (original === undefined) continue;
    const load = async () => {
      const codec = await original();
      return {
        fromConfig: (config: unknown, facts: ChunkFacts) =>
          claiming(
            name,
            codec.fromConfig(config, facts as never) as unknown as BytesCodec,
            maxBytes(facts),
          ),
      };
    };
    for (const key of [name, `numcodecs.${name}`]) {
      registry.set(key, load as never);
    }
  }
}

function maxBytes({ shape }: ChunkFacts): number {
  return shape.reduce((a, b) => a * b, MAX_SAMPLE_BYTES) + PADDING_BYTES;
}

function inflating(wrapper: "gzip" | "zlib", most: number): BytesCodec {
  return {
    kind: "bytes_to_bytes",
    encode: () => {
      throw new CorruptImageError("zarr", "it is read, not written");
    },
    decode: (bytes) => inflate(bytes, most, { wrapper, format: "zarr" }),
  };
}

/** Check what a chunk claims to hold before it is unpacked. */
function claiming(
  name: "blosc" | "lz4" | "zstd",
  codec: BytesCodec,
  most: number,
): BytesCodec {
  return {
    kind: "bytes_to_bytes",
    encode: (bytes) => codec.encode(bytes),
    decode: (bytes) => {
      const claimed = readClaim(name, bytes);
      if (!(claimed <= most)) {
        throw new CorruptImageError(
          "zarr",
          `a chunk claims ${claimed} bytes, it may hold ${most}`,
        );
      }
      return codec.decode(bytes);
    },
  };
}
