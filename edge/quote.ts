/**
 * What a job would take: tiles, seconds of the encoder, price.
 *
 * @module
 */
import type { z } from "zod";
import { ArgumentError, isSegError } from "../shared/errors.ts";
import { toByteSource } from "../shared/image/byte_source.ts";
import { openImage } from "../shared/image/open.ts";
import type { JobRequest, Quote } from "../shared/schema/wire.ts";
import { objectKey } from "../shared/storage/keys.ts";
import { readBytes, readStart } from "../shared/storage/read_bytes.ts";
import { planTiles } from "../wasm/mod.ts";
import type { EdgeDeps } from "./deps.ts";
import type { JobInput } from "./inputs.ts";

/** Images that are looked into; the others are taken for their mean. */
const SAMPLES = 4;
/** Larger files are not opened for a quote. */
const MAX_SAMPLE_BYTES = 16 * 2 ** 20;
/** Bytes a pixel of a file that was not opened. */
const GUESSED_BYTES_PER_PIXEL = 1;
/** DEFLATE packs 1032 to 1, and a byte holds 8 pixels of 1 bit. */
const MAX_PIXELS_PER_BYTE = 1032 * 8;
const TILE = 256;
/** Of a PNG file (PNG §5.2); its size is within so many bytes (§11.2.2). */
const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const START_BYTES = 32;

/** Reckon a job's quote; nothing is queued. */
export async function quoteJob(
  { store, settings }: EdgeDeps,
  tenant: string,
  { images, parameters }: {
    readonly images: readonly JobInput[];
    readonly parameters: z.infer<typeof JobRequest>["parameters"];
  },
): Promise<z.infer<typeof Quote>> {
  let [pixels, tiles, sampled] = [0, 0, 0];
  const stride = Math.max(1, Math.floor(images.length / SAMPLES));
  for (let i = 0; i < images.length && sampled < SAMPLES; i += stride) {
    const path = images[i].upload?.split("/");
    const key = path === undefined
      ? undefined
      : objectKey(tenant, "uploads", ...path);
    const info = key === undefined ? undefined : await store.head(key);
    const size = info === undefined || key === undefined
      ? { height: 512, width: 512, planes: 1 }
      : info.length > MAX_SAMPLE_BYTES
      ? guessSize(info.length)
      : await readSize(store, key, info.length);
    const plan = planTiles(size, {
      tileSize: parameters.tileSize ?? TILE,
      tileOverlap: parameters.tileOverlap,
      augment: parameters.augment,
    });
    pixels += size.height * size.width * size.planes;
    tiles += plan.tiles.length * size.planes;
    sampled++;
  }
  const factor = images.length / sampled;
  const gpuSeconds = tiles * factor / settings.tilesPerSecond;
  return {
    images: images.length,
    pixels: Math.round(pixels * factor),
    tiles: Math.round(tiles * factor),
    gpuSeconds,
    price: gpuSeconds * settings.pricePerGpuSecond,
    currency: settings.currency,
    cached: 0,
  };
}

function guessSize(bytes: number) {
  const edge = Math.round(Math.sqrt(bytes / GUESSED_BYTES_PER_PIXEL));
  return { height: edge, width: edge, planes: 1 };
}

async function readSize(
  store: EdgeDeps["store"],
  key: string,
  length: number,
) {
  if (length === 0) return guessSize(0);
  const start = await readStart(store, key, START_BYTES);
  const isPng = PNG_SIGNATURE.every((byte, i) => start[i] === byte);
  const bytes = isPng ? start : await readBytes(store, key);
  try {
    const size = isPng ? readPngSize(bytes) : await readHeader(bytes);
    const { height, width, planes } = size;
    const pixels = height * width * planes;
    // the header of a damaged file may tell any size
    const isSane = pixels > 0 && pixels <= MAX_PIXELS_PER_BYTE * length;
    if (isSane) return size;
  } catch (err) {
    // the job will say what is wrong with it
    if (!isSegError(err) && !(err instanceof ArgumentError)) throw err;
  }
  return guessSize(length);
}

/** Size in a PNG's header (PNG §11.2.2). */
function readPngSize(bytes: Uint8Array) {
  if (bytes.length < 24) return guessSize(bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { height: view.getUint32(20), width: view.getUint32(16), planes: 1 };
}

/** Those of TIFF and NPY tell enough; other files are decoded. */
async function readHeader(bytes: Uint8Array) {
  const { axes, shape } = await openImage(toByteSource(bytes));
  const edge = (axis: string) => shape[axes.indexOf(axis)] ?? 1;
  return {
    height: edge("Y"),
    width: edge("X"),
    planes: edge("Z") * edge("T"),
  };
}
