/**
 * `demo [--once] [--out DIR]`: start the service, send the examples through
 * its public interface, draw what came back, and keep serving.
 *
 * Also draws the method's steps (image, flows, masks) from true masks.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { encodePicture } from "../shared/image/png.ts";
import { findShippedModel } from "../shared/models/shipped.ts";
import { type Core, loadCore } from "../wasm/mod.ts";
import { callerPath } from "./caller_path.ts";
import { createClient } from "./demo/client.ts";
import { drawExample } from "./demo/draw.ts";
import { type ExampleOutcome, runExample } from "./demo/run_examples.ts";
import { readExample, segmentExample } from "./demo/segment.ts";
import { printLine } from "./print.ts";
import { startService, untilStopped } from "./serve.ts";
import { UsageError } from "./usage_error.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** Sent through the service; the first has truth. */
const IMAGES = ["nuclei_2d.tif", "histo.jpg", "ihc.png", "cell.png"];
/** Drawn step by step from their true masks. */
const STEPS = ["nuclei_2d", "nuclei_3d"];

/** Options as the command line gives them. */
export interface DemoOptions {
  /** Exit when the pictures are written. */
  readonly once?: boolean;
  /** Folder for the pictures; `out/demo` of the project by default. */
  readonly out?: string;
  /** Model folder; the shipped one by default. */
  readonly model?: string;
  /** Default: any free one. */
  readonly port?: string;
}

/** Run the command. */
export async function demo(options: DemoOptions = {}): Promise<void> {
  const { once, out } = options;
  const target = out ? callerPath(out) : join(ROOT, "out", "demo");
  const model = options.model ? callerPath(options.model) : findShippedModel();
  if (model === undefined) {
    throw new UsageError(
      "no model comes with this version; make one with `import CHECKPOINT --out DIR` and give --model DIR",
    );
  }
  await mkdir(target, { recursive: true });
  const core = await loadCore();
  const data = await mkdtemp(join(tmpdir(), "cytoedge-demo-"));
  const service = await startService({
    port: Number(options.port ?? 0),
    data,
    model,
  });
  try {
    const key = service.key ?? "";
    const client = createClient({ url: service.url, key });
    printLine(
      `The service runs on ${service.url}; the examples go through it:`,
    );
    printLine();
    printLine(
      row("image", "cells", "AP@0.5", "preview", "preview ms", "job ms"),
    );
    const written: string[] = [];
    for (const name of IMAGES) {
      const path = join(ROOT, "examples", name);
      const outcome = await runExample({ client, core }, path, target);
      printLine(describe(outcome));
      written.push(outcome.overlay);
    }
    for (const name of STEPS) {
      written.push(...await drawSteps(core, name, target));
    }
    printLine();
    printLine("Truth is solid purple, prediction dashed yellow. Pictures:");
    for (const path of written) printLine(`  ${relative(process.cwd(), path)}`);
    if (once) return;
    printLine();
    printLine(`Still serving on ${service.url} (docs: ${service.url}/docs).`);
    printLine(`Key: ${key}`);
    printLine("Stop with Ctrl-C.");
    await untilStopped();
  } finally {
    await service.close();
    await rm(data, { recursive: true, force: true });
  }
}

/** Flows of the true masks, and the masks that the core finds of them. */
async function drawSteps(
  core: Core,
  name: string,
  target: string,
): Promise<string[]> {
  const example = await readExample(join(ROOT, "examples"), name);
  const written: string[] = [];
  for (
    const [title, picture] of drawExample(
      example,
      segmentExample(core, example),
    )
  ) {
    // the overlay is the service's
    if (title === "overlay") continue;
    const path = join(target, `${name}_${title}.png`);
    await writeFile(path, encodePicture(picture));
    written.push(path);
  }
  return written;
}

function describe(outcome: ExampleOutcome): string {
  const { name, count, ap, previewCount, previewMs, jobMs } = outcome;
  return row(
    name,
    `${count}`,
    ap === undefined ? "–" : ap.toFixed(3),
    `${previewCount}`,
    previewMs.toFixed(0),
    jobMs.toFixed(0),
  );
}

function row(name: string, ...cells: string[]): string {
  return name.padEnd(14) + cells.map((cell) => cell.padStart(11)).join("");
}
