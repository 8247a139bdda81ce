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

/** Write an image of bright discs that lie apart, and their labels. */
export function writeDiscs(path: string, shift: number): void {
  const size = { height: 96, width: 112 };
  const labels = new Uint32Array(size.height * size.width);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const [row, column] = [Math.floor(y / 32), Math.floor(x / 37)];
      const dy = y - 32 * row - 15 - shift % 3;
      const dx = x - 37 * column - 17 - shift % 5;
      if (dy * dy + dx * dx <= 64) labels[y * 112 + x] = 1 + 4 * row + column;
    }
  }
  const data = Uint8Array.from(labels, (label) => label > 0 ? 200 : 10);
  writeFile(`${path}.png`, encodePng({ data, size, channels: 1 }));
  const masks = encodeLabelPng({ masks: labels, size });
  writeFile(`${path}_masks.png`, masks);
}
