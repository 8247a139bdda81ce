/**
 * The live log: JSON lines that a resumed training continues.
 *
 * @module
 */
import {
  appendFileSync,
  existsSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";

/** A line of the log. */
export interface LogLine {
  readonly event:
    | "start"
    | "resume"
    | "step"
    | "validation"
    | "warning"
    | "end";
  readonly step: number;
  readonly [name: string]: unknown;
}

/** Appends lines. */
export interface RunLog {
  write(line: LogLine): void;
}

/** Open a log for appending; `onLine` sees every line, too. */
export function openLog(
  path: string,
  onLine: (line: LogLine) => void = () => {},
): RunLog {
  return {
    write(line) {
      appendFileSync(path, `${JSON.stringify(line)}\n`);
      onLine(line);
    },
  };
}

/** Read a log; a line that was cut short by a kill is left out. */
export function readLog(path: string): LogLine[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8").split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as LogLine];
    } catch {
      return [];
    }
  });
}

/** Drop what was logged after a checkpoint: it will be done again. */
export function rewindLog(path: string, step: number): void {
  const kept = readLog(path).filter((line) => line.step <= step);
  const text = kept.map((line) => `${JSON.stringify(line)}\n`).join("");
  writeFileSync(`${path}.part`, text);
  renameSync(`${path}.part`, path);
}
