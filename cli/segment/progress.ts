/**
 * A bar with the time that is left, where a person looks.
 *
 * @module
 */
import process from "node:process";
import { Presets, SingleBar } from "cli-progress";
import { printLine } from "../print.ts";
import type { Progress } from "../../shared/pipeline/segment.ts";

/** Shows how far a run is. */
export interface ProgressBar {
  /** The next image begins. */
  start(name: string): void;
  /** Tiles of the image in work. */
  update(progress: Progress): void;
  /** The image is done. */
  finish(): void;
  /** Print lines above the bar. */
  print(lines: readonly string[]): void;
  /** All images are done. */
  stop(): void;
}

/** Steps of the bar for each image. */
const STEPS = 1000;

/**
 * Show a bar on the standard error; nothing where it is no terminal.
 *
 * @param images  how many there are
 */
export function showProgress(images: number): ProgressBar {
  if (!process.stderr.isTTY || images === 0) {
    const nothing = () => {};
    return {
      start: nothing,
      update: nothing,
      finish: nothing,
      print: (lines) => lines.forEach((line) => printLine(line)),
      stop: nothing,
    };
  }
  const bar = new SingleBar({
    format:
      "{bar} {percentage} % | {done}/{images} images | ETA {eta_formatted} | {name}",
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    etaBuffer: 50,
  }, Presets.shades_classic);
  let done = 0;
  bar.start(images * STEPS, 0, { done, images, name: "" });
  return {
    start: (name) => bar.update({ name }),
    update: (progress) =>
      bar.update(
        Math.floor((done + progress.done / progress.total) * STEPS),
      ),
    finish: () => {
      done++;
      bar.update(done * STEPS, { done });
    },
    print: (lines) => {
      // the bar is drawn again below them
      process.stderr.write("\r\x1b[K");
      lines.forEach((line) => printLine(line));
    },
    stop: () => bar.stop(),
  };
}
