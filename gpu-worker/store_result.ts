/**
 * A segmentation to the files of a result, in the store.
 *
 * Files are sent while others are made, the description last: what has one is
 * whole.
 *
 * @module
 */
import { encodeNpy } from "../shared/image/npy.ts";
import type {
  ResultDescription,
  SegmentResult,
} from "../shared/pipeline/result.ts";
import {
  type OutputContext,
  writeOutput,
} from "../shared/pipeline/write_outputs.ts";
import type { OutputName } from "../shared/schema/output_kinds.ts";
import { NETWORK_FILE, RESULT_FILE } from "../shared/storage/names.ts";
import type { ObjectStore, PutOptions } from "../shared/storage/types.ts";
import { createLanes } from "./lanes.ts";

/** What files are made of, which ones, and where they go. */
export interface StoredParts extends OutputContext {
  readonly outputs: readonly OutputName[];
  /** Key of a file. */
  readonly folder: (file: string) => string;
  readonly description: ResultDescription;
}

/** Files that are sent at a time. */
const PUTS = 4;

/**
 * Store a result's files, some of them while others are made; the description
 * is written meanwhile, and appears when all of them are stored.
 */
export async function storeResult(
  store: ObjectStore,
  { outputs, folder, description, ...context }: StoredParts,
  signal: AbortSignal,
): Promise<string[]> {
  const files: string[] = [];
  const puts = createLanes(PUTS);
  const start = (file: string, content: Uint8Array | string) =>
    puts.start(() => put(store, folder(file), content));
  try {
    // the largest file first: the others are made while it is waited for
    const network = encodeNetwork(context.result);
    if (network) {
      await new Promise<void>((onSent, fail) => {
        puts.start(() =>
          put(store, folder(NETWORK_FILE), network, { onSent })
            .finally(onSent)
        ).catch(fail);
      });
    }
    for (const name of outputs) {
      const made = writeOutput(name, context);
      for (const [file, content] of made) {
        signal.throwIfAborted();
        await start(file, content);
        files.push(file);
      }
    }
    if (network) files.push(NETWORK_FILE);
    const text = JSON.stringify({ ...description, outputs, files });
    const stored = puts.end();
    // a store may fail before it waits for the others
    stored.catch(() => {});
    await put(store, folder(RESULT_FILE), text, { after: stored });
  } finally {
    await puts.end();
  }
  return files;
}

/** What masks are computed again from; those of stacks are not. */
function encodeNetwork({ planes }: SegmentResult): Uint8Array | undefined {
  const [plane] = planes;
  if (planes.length > 1 || plane.flows.length === 0) return undefined;
  const { height, width } = plane.flowsSize;
  return encodeNpy(adjoin(plane.flows, plane.cellprob), [3, height, width]);
}

/** One behind the other; where they lie so, they are not copied. */
function adjoin(first: Float32Array, second: Float32Array): Float32Array {
  const length = first.length + second.length;
  const isSide = first.buffer === second.buffer &&
    first.byteOffset + first.byteLength === second.byteOffset;
  if (isSide) return new Float32Array(first.buffer, first.byteOffset, length);
  const both = new Float32Array(length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

async function put(
  store: ObjectStore,
  key: string,
  content: Uint8Array | string,
  options: Pick<PutOptions, "after" | "onSent"> = {},
): Promise<void> {
  const bytes = typeof content === "string"
    ? new TextEncoder().encode(content)
    : content as Uint8Array<ArrayBuffer>;
  await store.put(key, bytes, {
    ...options,
    mediaType: mediaTypeOf(key),
  });
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  tif: "image/tiff",
  png: "image/png",
  svg: "image/svg+xml",
  json: "application/json",
  geojson: "application/geo+json",
  csv: "text/csv",
  txt: "text/plain",
  zip: "application/zip",
};

function mediaTypeOf(key: string): string {
  return MEDIA_TYPES[key.split(".").at(-1) ?? ""] ?? "application/octet-stream";
}
