/**
 * A segmentation to the files of a result, in the store.
 *
 * Files are sent while others are made, the description last: what has one is
 * whole.
 *
 * @module
 */
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
import { sendNetwork, type SentNetwork } from "./send_network.ts";

/** What files are made of, which ones, and where they go. */
export interface StoredParts extends OutputContext {
  readonly outputs: readonly OutputName[];
  /** Key of a file. */
  readonly folder: (file: string) => string;
  readonly description: ResultDescription;
  /** The network's output, where it is on its way already. */
  readonly network?: SentNetwork | undefined;
}

/** Files that are sent at a time. */
const PUTS = 4;

/**
 * Store a result's files, some of them while others are made; the description
 * is written meanwhile, and appears when all of them are stored.
 */
export async function storeResult(
  store: ObjectStore,
  { outputs, folder, description, network: sent, ...context }: StoredParts,
  signal: AbortSignal,
): Promise<string[]> {
  const files: string[] = [];
  const puts = createLanes(PUTS);
  const start = (file: string, content: Uint8Array | string) =>
    puts.start(() => put(store, folder(file), content));
  try {
    // the largest file first: the others are made while it is waited for
    const network = sent ??
      startNetwork(store, folder(NETWORK_FILE), context.result);
    if (network) {
      await puts.start(network.release);
      await network.sent;
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

/** Of stacks no output is stored, and where the network gives no flows. */
function startNetwork(
  store: ObjectStore,
  key: string,
  { planes: [plane, ...others] }: SegmentResult,
): SentNetwork | undefined {
  if (others.length > 0 || plane.flows.length === 0) return undefined;
  return sendNetwork(store, key, { ...plane, size: plane.flowsSize });
}

async function put(
  store: ObjectStore,
  key: string,
  content: Uint8Array | string,
  options: Pick<PutOptions, "after"> = {},
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
