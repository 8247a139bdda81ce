/**
 * Time training steps of a small Cellpose-SAM: the same as run_vit_torch.py.
 *
 *   deno run -A run_vit.ts CASE STEPS THREADS [PRECISION [PROVIDER [EACH]]]
 *
 * CASE is a folder that write_case.py made; PRECISION is fp32 (default), fp16
 * or bf16, PROVIDER cpu (default), cuda or webgpu; EACH steps a call (default 1),
 * whose mean is told.
 *
 * @module
 */
import process from "node:process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openCheckpoint } from "../../../gpu-worker/import/checkpoint.ts";
import { openForm } from "../../../gpu-worker/train/form.ts";
import { openTrainer } from "../../../gpu-worker/train/trainer.ts";
import { decodeNpy, toFloats } from "../../../shared/image/npy.ts";
import { readDevice } from "./device.ts";

const [folder, ...counts] = Deno.args;
const [steps, threads] = counts.map(Number);
const device = readDevice(counts.slice(2));
const each = Number(counts[4] ?? 1);

const x = decodeNpy(readFileSync(join(folder, "x.npy")));
const targets = decodeNpy(
  readFileSync(join(folder, "labels_cellprob_flows.npy")),
);
const [count, channels, height, width] = x.shape;
const batch = {
  images: toFloats(x),
  targets: toFloats(targets),
  count,
  channels,
  height,
  width,
};
const checkpoint = openCheckpoint(join(folder, "checkpoint.pth"));
const trainer = await openTrainer(openForm(checkpoint.tensors), {
  threads,
  ...device,
});
const losses: number[] = [];
const wall: number[] = [];
const cpu: number[] = [];
for (let step = 0; step < steps;) {
  // the first alone: it loads the graph
  const count = step === 0 ? 1 : Math.min(each, steps - step);
  const used = process.cpuUsage();
  const start = performance.now();
  losses.push(
    ...await trainer.run(Array(count).fill(batch), Array(count).fill(1e-3)),
  );
  wall.push((performance.now() - start) / count);
  const { user, system } = process.cpuUsage(used);
  cpu.push((user + system) / 1000 / count);
  step += count;
}
await trainer.close();
checkpoint.close();
const status = readFileSync("/proc/self/status", "utf8");
const memory = Number(/VmHWM:\s*(\d+)/.exec(status)![1]) / 1024;
// deno-lint-ignore no-console
console.log(JSON.stringify({ losses, wall, cpu, memory }));
