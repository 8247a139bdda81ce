/**
 * Time training steps of the small U-Net: the same as run_torch.py.
 *
 *   deno run -A run_ours.ts EDGE STEPS THREADS [PRECISION [PROVIDER]]
 *
 * PRECISION is fp32 (default) or fp16, PROVIDER cpu (default), cuda or webgpu.
 *
 * @module
 */
import process from "node:process";
import { readFileSync } from "node:fs";
import { openTrainer } from "../../../gpu-worker/train/trainer.ts";
import { readDevice } from "./device.ts";
import { buildUnet, makeBatch } from "./unet.ts";

const [edge, steps, threads] = Deno.args.map(Number);

/** The largest memory of the process, MB. */
function peakMemory(): number {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(/VmHWM:\s*(\d+)/.exec(status)![1]) / 1024;
}

const trainer = await openTrainer({ graph: buildUnet() }, {
  threads,
  ...readDevice(Deno.args.slice(3)),
});
const losses: number[] = [];
const wall: number[] = [];
const cpu: number[] = [];
for (let step = 0; step < steps; step++) {
  const batch = makeBatch(step + 1, { edge });
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
