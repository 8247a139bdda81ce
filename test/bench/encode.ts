/**
 * The network and everything around it, beside PyTorch and Cellpose: time of a
 * tile, time of all but the network, peak memory.
 *
 * @module
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { ModelError } from "../../shared/errors.ts";
import { findCommit } from "./commit.ts";
import { documentTables } from "./document.ts";
import { findGpu } from "./encode/gpu.ts";
import { measureMemory } from "./encode/memory.ts";
import type { EncodeResult } from "./encode/result.ts";
import { timeRest } from "./encode/rest.ts";
import { formatEncode } from "./encode/table.ts";
import { type TileTimes, timeTile, writeFullSize } from "./encode/tile.ts";
import { installPeers } from "./peers/install.ts";
import type { Note } from "./result.ts";

/** Threads of both programs. */
const THREADS = 2;
/** Tiles of a batch on a card: Cellpose's default. */
const GPU_TILES = 8;

/** How it is run. */
export interface EncodeOptions {
  readonly rounds: number;
  /** No full-size network, no large image; peers if installed. */
  readonly isQuick: boolean;
  /** The network on a CUDA card, and nothing else. */
  readonly isGpu: boolean;
  readonly isDocumented: boolean;
  readonly cache?: string | undefined;
  readonly python?: string | undefined;
  readonly note: Note;
  readonly print: Note;
}

/** Run the benchmark; without what it needs it says so and ends. */
export async function benchEncode(
  options: EncodeOptions,
): Promise<EncodeResult | undefined> {
  const { note, isQuick, isGpu, rounds } = options;
  const gpu = isGpu ? await findGpu() : undefined;
  if (isGpu && gpu === undefined) {
    note("no CUDA card here (nvidia-smi does not answer): nothing to measure");
    return undefined;
  }
  const before = loadavg()[0];
  const project = fileURLToPath(new URL("../../", import.meta.url));
  const cache = options.cache ?? join(project, ".cache", "bench");
  const { python } = await installPeers(
    { cache, mayInstall: !isQuick, note },
    options.python,
  );
  const work = await mkdtemp(join(tmpdir(), "cytoedge-encode-"));
  try {
    const result: EncodeResult = {
      date: new Date().toISOString().slice(0, 10),
      machine: `${
        cpus()[0]?.model ?? "unknown"
      }, ${availableParallelism()} threads`,
      commit: await findCommit(project),
      tiles: python === undefined
        ? []
        : await timeTiles({ ...options, python, cache, work }),
      ...(isGpu ? { memory: [] } : {
        rest: await timeRest({ work, python, rounds, threads: THREADS, note }),
        memory: await measureMemory({ work, isQuick, note }),
      }),
      ...(gpu ? { gpu } : {}),
      load: [before, loadavg()[0]],
    };
    const out = join(project, "out", "bench");
    await mkdir(out, { recursive: true });
    const name = isGpu ? "encode-gpu" : "encode";
    await writeFile(join(out, `${name}.json`), JSON.stringify(result, null, 2));
    const tables = formatEncode(result);
    options.print(tables);
    if (options.isDocumented) {
      const page = new URL("../../docs/benchmarks.md", import.meta.url);
      await documentTables(page, tables, isGpu ? "encode --gpu" : "encode");
    }
    return result;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function timeTiles(
  { python, cache, work, isQuick, isGpu, rounds, note }: EncodeOptions & {
    readonly python: string;
    readonly cache: string;
    readonly work: string;
  },
): Promise<TileTimes[]> {
  const small = join(work, "small.pth");
  const packed = readFileSync(
    new URL("../fixtures/end_to_end/checkpoint.pth.gz", import.meta.url),
  );
  await writeFile(small, gunzipSync(packed));
  const networks = [{ network: "small", checkpoint: small, cache: work }];
  if (!isQuick) {
    note("a full-size Cellpose-SAM with random weights");
    await mkdir(cache, { recursive: true });
    const checkpoint = await writeFullSize(python, cache);
    networks.push({ network: "ViT-L", checkpoint, cache });
  }
  const times: TileTimes[] = [];
  const precisions = isGpu ? ["bf16", "fp16"] as const : ["fp32"] as const;
  for (const each of networks) {
    for (const precision of precisions) {
      note(`tiles through ${each.network}, ${precision}`);
      try {
        times.push(
          await timeTile({
            ...each,
            python,
            precision,
            provider: isGpu ? "cuda" : "cpu",
            threads: THREADS,
            tiles: isGpu ? GPU_TILES : 1,
            rounds: each.network === "small" ? 3 * rounds : rounds,
          }),
        );
      } catch (err) {
        // what one precision lacks on a card says nothing about the others
        if (!isGpu || !(err instanceof ModelError)) throw err;
        note(`not measured: ${err.message}`);
      }
    }
  }
  return times;
}
