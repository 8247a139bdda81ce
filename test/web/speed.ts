/**
 * How fast the page is, printed; not a test, for machines differ.
 *
 *   deno run -A test/web/speed.ts
 *
 * @module
 */
import { encodeLabelTiff } from "../../shared/image/labels.ts";
import { encodeTiff } from "../../shared/image/tiff_write.ts";
import { generateScene } from "../../shared/synthetic/mod.ts";
import { type OpenPage, openPage, waitForMessage } from "./browser.ts";

/** A scene, repeated. */
function tiled(edge: number, repeats: number) {
  const scene = generateScene(3, {
    shape: "ellipse",
    count: 36,
    overlap: 0.1,
    radius: [10, 16],
    size: { height: 256, width: 256 },
  });
  const masks = new Uint32Array(edge * edge);
  const image = new Uint8Array(edge * edge);
  const most = scene.count;
  for (let y = 0; y < edge; y++) {
    for (let x = 0; x < edge; x++) {
      const label = scene.labels[(y % 256) * 256 + x % 256];
      if (label === 0) continue;
      const tile = Math.floor(y / 256) * repeats + Math.floor(x / 256);
      masks[y * edge + x] = tile * most + label;
      image[y * edge + x] = 90 + label % 7 * 20;
    }
  }
  return { masks, image, count: most * repeats * repeats };
}

const print = (line: string) =>
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));

/** Milliseconds of a change of each parameter, at 1024². */
async function tune(open: OpenPage, folder: string): Promise<void> {
  const { page } = open;
  const { image } = tiled(1024, 4);
  const path = `${folder}/small.tif`;
  await Deno.writeFile(
    path,
    encodeTiff({ data: image, axes: "YX", shape: [1024, 1024] }),
  );
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: "Open files…" }).click(),
  ]);
  await chooser.setFiles(path);
  await page.getByText("small.tif").first().waitFor();
  await page.getByRole("tab", { name: "Segment" }).click();
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  await waitForMessage(page, /cells in \d+ ms, by/);
  for (
    const [label, values] of [
      ["Flow error below", ["0.5", "0.6", "0.7"]],
      ["Smallest cell, px", ["20", "30", "40"]],
      ["Cell probability above", ["0.5", "1", "1.5"]],
      ["Steps (0: by diameter)", ["100", "300", "200"]],
    ] as const
  ) {
    const times: number[] = [];
    for (const value of values) {
      const field = page.getByLabel(`${label}, exact`);
      await field.fill(value);
      await field.press("Enter");
      // the foot says the same kind of thing each time
      await page.waitForTimeout(1500);
      const said = await waitForMessage(page, /cells in \d+ ms$/);
      times.push(Number(/in (\d+) ms/.exec(said)?.[1]));
    }
    print(`${label} at 1024²: ${times.join(", ")} ms in the worker`);
  }
}

const folder = await Deno.makeTempDir();
const edge = Number(Deno.args[0] ?? 16384);
const { masks, image, count } = tiled(edge, edge / 256);
const size = { height: edge, width: edge };
await Deno.writeFile(
  `${folder}/large.tif`,
  encodeTiff({ data: image, axes: "YX", shape: [edge, edge] }),
);
await Deno.writeFile(`${folder}/masks.tif`, encodeLabelTiff({ masks, size }));
print(`${edge}², ${count} cells`);

const open = await openPage();
try {
  const { page } = open;
  await tune(open, folder);
  let start = performance.now();
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: "Open files…" }).click(),
  ]);
  await chooser.setFiles(`${folder}/large.tif`);
  await page.getByText("large.tif").first().waitFor({ timeout: 120_000 });
  print(`image open: ${Math.round(performance.now() - start)} ms`);
  await page.getByRole("tab", { name: "Correct" }).click();
  start = performance.now();
  const [labels] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: "Open labels…" }).click(),
  ]);
  await labels.setFiles(`${folder}/masks.tif`);
  await page.getByText(new RegExp(`${count} cells`)).first().waitFor({
    timeout: 120_000,
  });
  print(`labels open: ${Math.round(performance.now() - start)} ms`);
  for (const zoom of [0.05, 0.25, 1]) {
    const result = await page.evaluate(
      (zoom) =>
        new Promise<{ rate: number; worst: number; work: number }>(
          (resolve) => {
            // deno-lint-ignore no-explicit-any
            const viewer = (globalThis as any).cytoedge.theViewer();
            viewer.setView({ x: 8000, y: 8000, zoom });
            const times: number[] = [];
            const step = () => {
              times.push(performance.now());
              if (times.length > 200) {
                const gaps = times.slice(20).map((t, i) => t - times[19 + i]);
                const work = [...viewer.frames].sort((a, b) => a - b);
                resolve({
                  rate: 1000 * gaps.length / gaps.reduce((a, b) => a + b),
                  worst: Math.max(...gaps),
                  work: work[Math.floor(work.length * 0.95)],
                });
                return;
              }
              viewer.pan(9, 5);
              requestAnimationFrame(step);
            };
            requestAnimationFrame(step);
          },
        ),
      zoom,
    );
    print(
      `pan at zoom ${zoom}: ${result.rate.toFixed(1)} frames/s, worst gap ${
        result.worst.toFixed(0)
      } ms, drawing 95 % ≤ ${result.work.toFixed(1)} ms`,
    );
  }
  await open.shoot("large");
} finally {
  await open.close();
  await Deno.remove(folder, { recursive: true });
}
