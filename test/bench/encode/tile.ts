/**
 * One batch of tiles through a network: ours beside PyTorch, taking turns.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  loadNodeEncoder,
  type NodeProvider,
} from "../../../gpu-worker/encoder_node.ts";
import { importModel } from "../../../gpu-worker/import/import_model.ts";
import { createRandom, fillNormal } from "../scene.ts";
import { startAsked } from "./ask.ts";

/** Times of one network. */
export interface TileTimes {
  readonly network: string;
  readonly parameters: number;
  readonly precision: string;
  readonly provider: string;
  readonly device: string;
  readonly tiles: number;
  readonly torch: string;
  /** Least milliseconds of a batch. */
  readonly oursMs: number;
  readonly torchMs: number;
  readonly rounds: number;
}

/** What is compared. */
export interface TileCase {
  readonly network: string;
  readonly checkpoint: string;
  /** Folder for the imported model. */
  readonly cache: string;
  readonly python: string;
  readonly provider: NodeProvider;
  readonly precision: "fp32" | "fp16" | "bf16";
  readonly threads: number;
  readonly tiles: number;
  readonly rounds: number;
}

/** Import where it is not, then time. */
export async function timeTile(given: TileCase): Promise<TileTimes> {
  const { network, checkpoint, provider, precision, threads, tiles } = given;
  const folder = join(given.cache, `${network}-${precision}`);
  if (!existsSync(join(folder, "model.json"))) {
    importModel(
      checkpoint,
      folder,
      {
        ...(precision === "fp32" ? {} : { precision }),
      } as Parameters<typeof importModel>[2],
    );
  }
  const encoder = await loadNodeEncoder(folder, {
    providers: [provider],
    threads,
  });
  const { tileSize, channels } = encoder.model;
  const data = new Float32Array(tiles * channels * tileSize * tileSize);
  fillNormal(data, createRandom(1));
  const batch = {
    data,
    count: tiles,
    channels,
    height: tileSize,
    width: tileSize,
  };
  const peer = await startAsked<
    { torch: string; parameters: number; device: string },
    { ms: number }
  >([
    given.python,
    fileURLToPath(new URL("tile_peer.py", import.meta.url)),
    checkpoint,
    provider === "cuda" ? "cuda" : "cpu",
    String(threads),
    String(tiles),
  ]);
  let [oursMs, torchMs] = [Infinity, Infinity];
  // the first run of each prepares and is not counted
  for (let round = 0; round <= given.rounds; round++) {
    const start = performance.now();
    await encoder.encode(batch);
    const ours = performance.now() - start;
    const { ms } = await peer.ask();
    if (round === 0) continue;
    oursMs = Math.min(oursMs, ours);
    torchMs = Math.min(torchMs, ms);
  }
  await peer.close();
  await encoder.close();
  const { torch, parameters, device } = peer.hello;
  return {
    network,
    parameters,
    precision,
    provider,
    device,
    tiles,
    torch,
    oursMs,
    torchMs,
    rounds: given.rounds,
  };
}

/** Write a full-size Cellpose-SAM with random weights, once. */
export async function writeFullSize(
  python: string,
  cache: string,
): Promise<string> {
  const folder = join(cache, "cpsam");
  const checkpoint = join(folder, "checkpoint.pth");
  if (!existsSync(checkpoint)) {
    const script = fileURLToPath(
      new URL("../peers/write_cpsam.py", import.meta.url),
    );
    await promisify(execFile)(python, [script, folder]);
  }
  return checkpoint;
}
