/**
 * Everything but the network, from file to file, beside Cellpose.
 *
 * @module
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Note } from "../result.ts";
import { startAsked } from "./ask.ts";
import type { RestAnswer } from "./rest_ours.ts";
import { drawImage, writeScene } from "./scene_image.ts";

/** Times of a 2048×2048 image of three channels. */
export interface RestTimes {
  /** Least milliseconds without the network's. */
  readonly oursMs: number;
  /** Of the run with the least. */
  readonly stages: Readonly<Record<string, number>>;
  readonly oursCells: number;
  /** Least milliseconds of processors, which load changes less. */
  readonly oursProcessorMs: number;
  readonly peerMs?: number;
  readonly peerProcessorMs?: number;
  readonly peerCells?: number;
  readonly rounds: number;
}

/** Time both, taking turns. */
export async function timeRest(
  { work, python, rounds, threads, note }: {
    readonly work: string;
    readonly python: string | undefined;
    readonly rounds: number;
    readonly threads: number;
    readonly note: Note;
  },
): Promise<RestTimes> {
  note("everything but the network, 2048×2048");
  const drawn = await drawImage();
  const [image, affine] = [join(work, "scene.tif"), join(work, "affine.json")];
  await writeScene(image, drawn);
  await writeFile(affine, JSON.stringify(drawn.map));
  const ours = await startAsked<unknown, RestAnswer>([
    process.execPath,
    ...["run", "-A", fileURLToPath(new URL("rest_ours.ts", import.meta.url))],
    ...[image, join(work, "rest"), affine],
  ]);
  const peer = python === undefined ? undefined : await startAsked<
    unknown,
    { ms: number; networkMs: number; processorMs: number; cells: number }
  >([
    python,
    fileURLToPath(new URL("rest_peer.py", import.meta.url)),
    ...[image, join(work, "peer.tif"), affine, String(threads)],
  ]);
  let best: RestAnswer | undefined;
  let [peerMs, peerCells] = [Infinity, 0];
  let [oursBusy, peerBusy] = [Infinity, Infinity];
  // the first run of each prepares and is not counted
  for (let round = 0; round <= rounds; round++) {
    const mine = await ours.ask();
    const theirs = await peer?.ask();
    if (round === 0) continue;
    if (best === undefined || restOf(mine) < restOf(best)) best = mine;
    oursBusy = Math.min(oursBusy, mine.processorMs);
    if (theirs) {
      peerBusy = Math.min(peerBusy, theirs.processorMs);
      peerMs = Math.min(peerMs, restOf(theirs));
      peerCells = theirs.cells;
    }
  }
  await ours.close();
  await peer?.close();
  const { stages, cells } = best!;
  return {
    oursMs: restOf(best!),
    stages,
    oursProcessorMs: oursBusy,
    oursCells: cells,
    ...(peer ? { peerMs, peerProcessorMs: peerBusy, peerCells } : {}),
    rounds,
  };
}

function restOf(
  { ms, networkMs }: { readonly ms: number; readonly networkMs: number },
): number {
  return ms - networkMs;
}
