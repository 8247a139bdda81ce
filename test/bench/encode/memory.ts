/**
 * Peak memory from file to file, by the size of the image; the network's own
 * aside.
 *
 * @module
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Note } from "../result.ts";
import { startAsked } from "./ask.ts";
import type { RestAnswer } from "./rest_ours.ts";
import { drawImage, writeRepeated } from "./scene_image.ts";

/** One image. */
export interface MemoryCase {
  readonly height: number;
  readonly width: number;
  readonly mode: string;
  readonly cells: number;
  readonly peakBytes: number;
  readonly seconds: number;
}

/** Smallest budget: bands, however small the image. */
const NONE = "1";

/** Heights and widths; as decided, and in bands. */
const CASES = [
  [2048, 2048, ""],
  [2048, 2048, NONE],
  [8192, 2048, NONE],
  [32768, 2048, NONE],
  [8192, 8192, ""],
] as const;

/** Segment each image in a process of its own. */
export async function measureMemory(
  { work, isQuick, note }: {
    readonly work: string;
    readonly isQuick: boolean;
    readonly note: Note;
  },
): Promise<MemoryCase[]> {
  const drawn = await drawImage();
  const affine = join(work, "affine.json");
  await writeFile(affine, JSON.stringify(drawn.map));
  const image = join(work, "large.npy");
  const cases: MemoryCase[] = [];
  for (const [height, width, budget] of isQuick ? CASES.slice(0, 2) : CASES) {
    note(`memory of ${height}×${width}${budget ? " in bands" : ""}`);
    writeRepeated(image, drawn, { height, width });
    const ours = await startAsked<unknown, RestAnswer>([
      process.execPath,
      ...["run", "-A", fileURLToPath(new URL("rest_ours.ts", import.meta.url))],
      ...[image, join(work, "memory"), affine, "YXC", budget],
    ]);
    const { mode, cells, peakBytes, ms } = await ours.ask();
    await ours.close();
    cases.push({ height, width, mode, cells, peakBytes, seconds: ms / 1e3 });
  }
  await rm(image);
  return cases;
}
