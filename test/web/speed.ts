/**
 * How fast the page is, printed; not a test, for machines differ.
 *
 *   deno run -A test/web/speed.ts [edge of the large image]
 *
 * @module
 */
import type { Page } from "playwright-core";
import { encodeLabelTiff } from "../../shared/image/labels.ts";
import { encodeTiff } from "../../shared/image/tiff_write.ts";
import { generateScene } from "../../shared/synthetic/mod.ts";
import { type OpenPage, openPage, waitForMessage } from "./browser.ts";
import { cpuMs } from "./cpu.ts";

const print = (line: string) =>
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));

/** A scene, repeated. */
function tiled(edge: number) {
  const repeats = edge / 256;
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
      const at = (y % 256) * 256 + x % 256;
      const label = scene.labels[at];
      // a dark line between cells that touch
      const isInner = label !== 0 && scene.labels[at + 1] === label &&
        scene.labels[at + 256] === label;
      if (!isInner) continue;
      const tile = Math.floor(y / 256) * repeats + Math.floor(x / 256);
      masks[y * edge + x] = tile * most + label;
      image[y * edge + x] = 180 + label % 4 * 20;
    }
  }
  return { masks, image, count: most * repeats * repeats };
}

async function pick(page: Page, button: string, path: string): Promise<void> {
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: button }).click(),
  ]);
  await chooser.setFiles(path);
}

/** When the first view is there, by the browser's own marks. */
async function view(open: OpenPage): Promise<void> {
  for (const kind of ["first visit", "again"]) {
    const page = await open.reopen();
    const marks = await page.evaluate(() => {
      const [entry] = performance.getEntriesByType("navigation");
      const { domContentLoadedEventEnd, loadEventEnd } =
        entry as PerformanceNavigationTiming;
      const paint = performance.getEntriesByName("first-contentful-paint")[0];
      return [domContentLoadedEventEnd, paint?.startTime ?? NaN, loadEventEnd];
    });
    print(
      `${kind}: content ${marks.map((ms) => ms.toFixed(0)).join(", painted ")}`
        .replace(/, painted (\d+)$/, ", loaded $1 ms"),
    );
    await page.close();
  }
}

/** Changes of each parameter at 1024², from the event to the next frame. */
async function tune(open: OpenPage, folder: string): Promise<void> {
  const { page } = open;
  const path = `${folder}/small.tif`;
  const { image } = tiled(1024);
  await Deno.writeFile(
    path,
    encodeTiff({ data: image, axes: "YX", shape: [1024, 1024] }),
  );
  await pick(page, "Open files…", path);
  await page.getByText("small.tif").first().waitFor();
  await page.getByRole("tab", { name: "Segment" }).click();
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  print(
    `preview at 1024²: ${await waitForMessage(page, /cells in \d+ ms, by/)}`,
  );
  await page.waitForTimeout(3000);
  const steps: readonly (readonly [label: string, values: number[]])[] = [
    ["Flow error below", [0.5, 0.6, 0.7, 0.8, 0.5]],
    ["Smallest cell, px", [20, 30, 40, 50, 20]],
    ["Cell probability above", [0.5, 1, 1.5, 2, 0]],
    ["Steps (0: by diameter)", [100, 300, 200, 250, 0]],
    ["Diameter, px (0: automatic)", [20, 25, 40, 35, 30]],
  ];
  for (const [label, values] of steps) {
    print(`${label}: ${await change(page, label, values)}`);
  }
  await page.getByLabel("Cluster by").selectOption("dbscan");
  await page.waitForTimeout(2000);
  print(
    `eps: ${await change(page, "Neighbors within, px (eps)", [
      1,
      2,
      1.2,
      1.7,
    ])}`,
  );
  print(`last: ${await page.getByTestId("message").innerText()}`);
}

/** Move a slider; ms until the next frame, and ms of the worker alone. */
function change(page: Page, label: string, values: number[]): Promise<string> {
  return page.evaluate(async ({ label, values }) => {
    const wait = (ms: number) => new Promise((r) => setTimeout(r, ms));
    // deno-lint-ignore no-explicit-any
    const image = (globalThis as any).cytoedge.doc.value;
    const state = image.planes.get(image.plane.value);
    const times: number[] = [];
    const work: number[] = [];
    for (const value of values) {
      const input = document.querySelector(
        `input[type=range][aria-label="${label}"]`,
      ) as HTMLInputElement;
      const before = state.cells.value;
      const start = performance.now();
      input.valueAsNumber = value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      while (state.cells.value === before) await wait(1);
      await new Promise((r) => requestAnimationFrame(() => setTimeout(r)));
      times.push(Math.round(performance.now() - start));
      const foot = document.querySelector("[data-testid=message]");
      work.push(Number(/in (\d+) ms/.exec(foot?.textContent ?? "")?.[1]));
      // confidence is measured in the pause
      await wait(1600);
    }
    return `${times.join(", ")} ms to the next frame; least ${
      Math.min(...times)
    } ms, of which the worker ${Math.min(...work)} ms`;
  }, { label, values });
}

/** An image with 100,000 cells and more: open, labels, pan. */
async function large(
  { page }: OpenPage,
  { folder, edge, count }: { folder: string; edge: number; count: number },
): Promise<void> {
  const timed = async (what: string, work: () => Promise<void>) => {
    const [start, cpu] = [performance.now(), cpuMs()];
    await work();
    const used = cpu === undefined ? "" : `, ${(cpuMs() ?? 0) - cpu} ms of CPU`;
    print(`${what}: ${Math.round(performance.now() - start)} ms${used}`);
  };
  await timed(`image of ${edge}² open`, async () => {
    await pick(page, "Open files…", `${folder}/large.tif`);
    await page.getByText("large.tif").first().waitFor({ timeout: 120_000 });
  });
  await page.getByRole("tab", { name: "Correct" }).click();
  await timed(`${count} cells open`, async () => {
    await pick(page, "Open labels…", `${folder}/masks.tif`);
    await page.getByText(new RegExp(`${count} cells`)).first().waitFor({
      timeout: 120_000,
    });
  });
  for (const zoom of [0.05, 0.25, 1]) {
    const result = await page.evaluate(pan, zoom);
    print(
      `pan at zoom ${zoom}: ${result.rate.toFixed(1)} frames/s, worst gap ${
        result.worst.toFixed(0)
      } ms, drawing 95 % ≤ ${result.work.toFixed(1)} ms`,
    );
  }
  await timed("measured", async () => {
    await page.getByRole("tab", { name: "Measure" }).click();
    await page.locator(".table tbody tr").first().waitFor({ timeout: 120_000 });
  });
}

/** Pan for 200 frames; runs in the page. */
function pan(zoom: number) {
  return new Promise<{ rate: number; worst: number; work: number }>(
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
  );
}

const folder = await Deno.makeTempDir();
const edge = Number(Deno.args[0] ?? 16384);
const { masks, image, count } = tiled(edge);
const size = { height: edge, width: edge };
await Deno.writeFile(
  `${folder}/large.tif`,
  encodeTiff({ data: image, axes: "YX", shape: [edge, edge] }),
);
await Deno.writeFile(`${folder}/masks.tif`, encodeLabelTiff({ masks, size }));

const open = await openPage();
try {
  await view(open);
  await tune(open, folder);
  await large(open, { folder, edge, count });
  await open.shoot("large");
  if (open.complaints.length > 0) print(open.complaints.join("\n"));
} finally {
  await open.close();
  await Deno.remove(folder, { recursive: true });
}
