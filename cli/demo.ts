/**
 * `demo [--once] [--out DIR]`: segment the examples and draw what came out.
 *
 * The flows are those of the true masks, so the demo shows the core alone:
 * flows → masks → score.
 *
 * @module
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { encodePicture } from "../shared/image/png.ts";
import type { Picture } from "../shared/image/types.ts";
import { loadCore } from "../wasm/mod.ts";
import { callerPath } from "./caller_path.ts";
import { drawExample } from "./demo/draw.ts";
import { readExample, segmentExample } from "./demo/segment.ts";
import { printLine } from "./print.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const EXAMPLES = ["nuclei_2d", "nuclei_3d"];

/** Options as the command line gives them. */
export interface DemoOptions {
  /** Exit when the pictures are written; so far there is nothing to serve. */
  readonly once?: boolean;
  /** Folder for the pictures; `out/demo` of the project by default. */
  readonly out?: string;
}

/** Run the command. */
export async function demo({ once, out }: DemoOptions = {}): Promise<void> {
  const target = out ? callerPath(out) : join(ROOT, "out", "demo");
  await mkdir(target, { recursive: true });
  const core = await loadCore();
  const written: string[] = [];

  printLine("Masks from the flows of the true masks (no network yet):");
  printLine();
  printLine(row("image", "cells", "true", "AP@0.5", "ms"));
  for (const name of EXAMPLES) {
    const example = await readExample(join(ROOT, "examples"), name);
    const result = segmentExample(core, example);
    const { count, trueCount, ap, milliseconds } = result;
    printLine(row(
      name,
      `${count}`,
      `${trueCount}`,
      ap.toFixed(3),
      milliseconds.toFixed(0),
    ));
    for (const [title, picture] of drawExample(example, result)) {
      const path = join(target, `${name}_${title}.png`);
      await writePicture(path, picture);
      written.push(path);
    }
  }

  printLine();
  printLine("Truth is solid purple, prediction dashed yellow. Pictures:");
  for (const path of written) printLine(`  ${relative(process.cwd(), path)}`);
  if (!once) printLine("There is nothing to serve yet, so the demo ends here.");
}

async function writePicture(path: string, picture: Picture): Promise<void> {
  await writeFile(path, encodePicture(picture));
}

function row(name: string, ...cells: string[]): string {
  return name.padEnd(12) + cells.map((cell) => cell.padStart(8)).join("");
}
