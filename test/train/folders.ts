/** Folders of training images, for the tests. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { encodeLabelPng } from "../../shared/image/labels.ts";
import { encodePng } from "../../shared/image/png.ts";
import { generateScene, renderMicrograph } from "../../shared/synthetic/mod.ts";

/** A folder that is removed after the tests. */
export function makeFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "train-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Write a rendered image and its labels. */
export function writeScene(path: string, seed: number): Uint32Array {
  const size = { height: 96, width: 112 };
  const scene = generateScene(seed, {
    shape: "ellipse",
    count: 10,
    overlap: 0.1,
    radius: [6, 10],
    size,
  });
  const { data, channels } = renderMicrograph(scene.labels, size, seed);
  writeFile(`${path}.png`, encodePng({ data, size, channels }));
  const labels = encodeLabelPng({ masks: scene.labels, size });
  writeFile(`${path}_masks.png`, labels);
  return scene.labels;
}

/** Write a file, its folder too. */
export function writeFile(path: string, content: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
