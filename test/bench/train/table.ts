/**
 * The result of `bench train` as Markdown.
 *
 * @module
 */
import type { StepTimes, TrainResult } from "./result.ts";

/** A table of times, memory and ratios. */
export function formatTrain(
  { date, machine, commit, threads, load, steps }: TrainResult,
): string {
  return [
    `${date}, ${machine}, ${threads} threads, commit ${commit}; busy threads before ${
      load.toFixed(1)
    }. Ours, PyTorch's, ratio:`,
    "",
    row("network", "time, ms", "processor, ms", "memory, MB"),
    row("---", "---:", "---:", "---:"),
    ...steps.map(({ network, ours, torch }) => {
      const cell = (key: keyof StepTimes) =>
        `${ours[key].toFixed(0)}, ${torch[key].toFixed(0)}, ${
          (ours[key] / torch[key]).toFixed(2)
        }`;
      return row(network, cell("wallMs"), cell("cpuMs"), cell("memoryMb"));
    }),
  ].join("\n");
}

function row(...cells: string[]): string {
  return `| ${cells.join(" | ")} |`;
}
