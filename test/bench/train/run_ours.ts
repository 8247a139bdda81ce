/**
 * Time training steps of the small U-Net: the same as run_torch.py.
 *
 *   deno run -A run_ours.ts EDGE STEPS THREADS
 *
 * @module
 */
import process from "node:process";
import { readFileSync } from "node:fs";
import {
  openTrainer,
  type TrainBatch,
} from "../../../gpu-worker/train/trainer.ts";
import { buildUnet } from "./unet.ts";

const [edge, steps, threads] = Deno.args.map(Number);
const COUNT = 4;
const CHANNELS = 3;

/** Noise in 0–1 that is the same in both programs. */
function noise(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => {
    const u = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    return u - Math.floor(u);
  });
}

function makeBatch(seed: number): TrainBatch {
  const plane = edge * edge;
  const targets = noise(COUNT * 3 * plane, seed + 50);
  targets.forEach((value, i) => {
    if (Math.floor(i / plane) % 3 !== 0) targets[i] = value - 0.5;
  });
  return {
    images: noise(COUNT * CHANNELS * plane, seed),
    targets,
    count: COUNT,
    channels: CHANNELS,
    height: edge,
    width: edge,
  };
}

/** The largest memory of the process, MB. */
function peakMemory(): number {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(/VmHWM:\s*(\d+)/.exec(status)![1]) / 1024;
}

const trainer = await openTrainer({ graph: buildUnet() }, { threads });
const losses: number[] = [];
const wall: number[] = [];
const cpu: number[] = [];
for (let step = 0; step < steps; step++) {
  const batch = makeBatch(step + 1);
  const used = process.cpuUsage();
  const start = performance.now();
  losses.push(...await trainer.run([batch], [1e-3]));
  wall.push(performance.now() - start);
  const { user, system } = process.cpuUsage(used);
  cpu.push((user + system) / 1000);
}
await trainer.close();
const text = JSON.stringify({ losses, wall, cpu, memory: peakMemory() });
Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
