/** Processor time of the processes that this one started. */
import { readdirSync, readFileSync } from "node:fs";
import { pid as own } from "node:process";

/** Milliseconds of a tick; Linux counts a hundred a second. */
const TICK_MS = 10;

/** Milliseconds so far; undefined where the system does not tell. */
export function cpuMs(): number | undefined {
  const all = new Map<number, { parent: number; ms: number }>();
  try {
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const found = readProcess(name);
      if (found) all.set(Number(name), found);
    }
  } catch {
    return undefined;
  }
  let sum = 0;
  for (const { parent, ms } of all.values()) {
    for (let at = parent; at > 1; at = all.get(at)?.parent ?? 0) {
      if (at !== own) continue;
      sum += ms;
      break;
    }
  }
  return sum;
}

function readProcess(pid: string) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // the name, in parentheses, may have any letters
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return {
      parent: Number(fields[1]),
      ms: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    };
  } catch {
    // it has ended
    return undefined;
  }
}
