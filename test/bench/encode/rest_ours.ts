/**
 * Ours from file to file around an affine network, one run a line of input; a
 * program of its own, so that its memory is its own.
 *
 *   deno run -A rest_ours.ts IMAGE OUT AFFINE.json [AXES] [BUDGET]
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { segmentFile } from "../../../cli/segment/one_image.ts";
import type { Encoder } from "../../../shared/pipeline/encoder.ts";
import { SegmentParameters } from "../../../shared/schema/parameters.ts";
import { loadCore } from "../../../wasm/mod.ts";
import type { AffineMap } from "./scene_image.ts";

/** Answer to each line. */
export interface RestAnswer {
  readonly ms: number;
  readonly networkMs: number;
  /** Of all processors, without the network's. */
  readonly processorMs: number;
  readonly cells: number;
  readonly mode: string;
  readonly stages: Readonly<Record<string, number>>;
  readonly peakBytes: number;
}

const [image, out, affine, axes, budget] = process.argv.slice(2);
const print = (value: unknown) =>
  void process.stdout.write(JSON.stringify(value) + "\n");
/** What the network took. */
const network = { processorMs: 0 };
const encoder = createAffine(JSON.parse(await readFile(affine, "utf8")));
const core = await loadCore();
print({ runtime: process.version });
for await (const _ of createInterface({ input: process.stdin })) {
  const start = performance.now();
  const busy = measureBusy();
  network.processorMs = 0;
  const { result } = await segmentFile(image, {
    core,
    coreVersion: "bench",
    encoders: [encoder],
    parameters: SegmentParameters.parse(axes ? { axes } : {}),
    outputs: ["tif"],
    out,
    memoryBudget: budget ? Number(budget) : null,
    force: true,
    onProgress: () => {},
  });
  const { timings, memory } = result.run;
  print(
    {
      ms: performance.now() - start,
      networkMs: timings.encode,
      processorMs: measureBusy() - busy - network.processorMs,
      cells: result.count,
      mode: memory.mode,
      stages: { ...timings },
      peakBytes: measurePeak(),
    } satisfies RestAnswer,
  );
}

/** Maps each channel; costs next to nothing. */
function createAffine({ gain, offset }: AffineMap): Encoder {
  return {
    model: {
      name: "affine",
      family: "cellpose-sam",
      tileSize: 256,
      channels: 3,
      outputs: 3,
      diameter: 30,
      precision: "fp32",
      licence: null,
    },
    digest: "0".repeat(64),
    provider: "fake",
    encode({ data, count, height, width }) {
      const busy = measureBusy();
      const pixels = height * width;
      const outputs = new Float32Array(data.length);
      for (let k = 0; k < 3 * count; k++) {
        const [a, b] = [gain[k % 3], offset[k % 3]];
        for (let i = k * pixels; i < (k + 1) * pixels; i++) {
          outputs[i] = a * data[i] + b;
        }
      }
      network.processorMs += measureBusy() - busy;
      return Promise.resolve({ outputs });
    },
    close: () => Promise.resolve(),
  };
}

/** Milliseconds of processors that this program had. */
function measureBusy(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

/** Most memory that was resident, bytes. */
function measurePeak(): number {
  try {
    const status = readFileSync("/proc/self/status", "utf8");
    return 1024 * Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]);
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
