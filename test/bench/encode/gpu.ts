/**
 * The CUDA card, if there is one.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Dense half-precision limits of cards, TFLOP/s: NVIDIA's data sheets. */
const PEAK_TFLOPS: readonly (readonly [name: RegExp, peak: number])[] = [
  [/H100.*PCIe/, 756],
  [/H[12]00/, 989],
  [/A100/, 312],
  [/A10G/, 70],
  [/A10\b/, 125],
  [/L40S/, 362],
  [/L4\b/, 121],
  [/T4\b/, 65],
  [/RTX 4090/, 165],
  [/RTX 3090/, 71],
];

/** Its name, and what it could do at most; `null`: not known. */
export async function findGpu(): Promise<
  { name: string; peakTflops: number | null } | undefined
> {
  try {
    const { stdout } = await promisify(execFile)("nvidia-smi", [
      "--query-gpu=name",
      "--format=csv,noheader",
    ]);
    const [name] = stdout.trim().split("\n");
    if (!name) return undefined;
    const peak = PEAK_TFLOPS.find(([pattern]) => pattern.test(name))?.[1];
    return { name, peakTflops: peak ?? null };
  } catch {
    return undefined;
  }
}
