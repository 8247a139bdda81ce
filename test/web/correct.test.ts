import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { readFile } from "node:fs/promises";
import { decodeLabels } from "../../shared/image/read_labels.ts";
import {
  choose,
  MISSING,
  type OpenPage,
  openPage,
  sha256OfMasks,
  waitForMessage,
} from "./browser.ts";

/** Edits of the long session. */
const EDITS = 200;
const UNDOS = 50;

describe.skipIf(MISSING)(`page: correct (${MISSING ?? "Chromium"})`, () => {
  let open: OpenPage;
  beforeAll(async () => {
    open = await openPage();
    await open.page.getByRole("button", { name: "Nuclei", exact: true })
      .click();
    await open.page.getByText("nuclei_2d.tif").first().waitFor();
    await open.page.getByRole("button", { name: "Preview", exact: true })
      .click();
    await waitForMessage(open.page, /\d+ cells in/);
    await choose(open.page, "Correct");
  });
  afterAll(async () => await open.close());

  test("brush, eraser, polygon, split, merge, delete are edits that undo", async () => {
    const { page } = open;
    const before = await sha256OfMasks(page);
    const seen = [before];
    const did = async (tool: string, work: () => Promise<void>) => {
      await page.getByRole("button", { name: new RegExp(`^${tool} \\w$`) })
        .click();
      await work();
      const now = await sha256OfMasks(page);
      expect(now, tool).not.toBe(seen.at(-1));
      seen.push(now);
    };
    await did("Brush", () => drag(page, [[0.5, 0.36], [0.53, 0.36]]));
    await did("Eraser", () => drag(page, [[0.5, 0.36], [0.51, 0.36]]));
    await did(
      "Polygon",
      () => drag(page, [[0.3, 0.6], [0.34, 0.6], [0.34, 0.65], [0.3, 0.65]]),
    );
    await did(
      "Split",
      () => drag(page, [[0.32, 0.57], [0.32, 0.69]]),
    );
    await did("Merge", async () => {
      await click(page, [0.305, 0.62]);
      await click(page, [0.335, 0.62]);
    });
    await did("Delete", () => click(page, [0.31, 0.62]));
    await did(
      "Lasso",
      () => drag(page, [[0.3, 0.58], [0.36, 0.58], [0.36, 0.67], [0.3, 0.67]]),
    );
    await open.shoot("correct");
    expect(await page.getByTestId("edits").innerText()).toMatch(/^7 of 7/);
    for (let k = seen.length - 2; k >= 0; k--) {
      await page.getByRole("button", { name: "Undo" }).click();
      expect(await sha256OfMasks(page)).toBe(seen[k]);
    }
    for (let k = 1; k < seen.length; k++) {
      await page.keyboard.press("Control+y");
      expect(await sha256OfMasks(page)).toBe(seen[k]);
    }
  });

  test("a cell is selected, grown, merged with another by keys alone", async () => {
    const { page } = open;
    const canvas = page.getByRole("application");
    await canvas.focus();
    await page.keyboard.press("b");
    await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press(" ");
    await page.keyboard.press("v");
    await page.keyboard.press(" ");
    await page.getByText(/^Cells? \d+/).waitFor();
    const before = await sha256OfMasks(page);
    await page.getByRole("button", { name: "Grow" }).press("Enter");
    expect(await sha256OfMasks(page)).not.toBe(before);
    await page.getByRole("button", { name: "Undo" }).press("Enter");
    expect(await sha256OfMasks(page)).toBe(before);
  });

  test("a polygon is drawn and split by keys alone", async () => {
    const { page } = open;
    const canvas = page.getByRole("application");
    await canvas.focus();
    const edits = page.getByTestId("edits");
    const count = async () =>
      Number(/(\d+) cells/.exec(await edits.innerText())?.[1]);
    const move = async (key: string, times: number) => {
      for (let k = 0; k < times; k++) await page.keyboard.press(`Shift+${key}`);
    };
    // a corner of the image that has room for a square
    await page.getByRole("button", { name: "Fit" }).click();
    await canvas.focus();
    const before = await count();
    await page.keyboard.press("p");
    await page.keyboard.press(" ");
    await move("ArrowRight", 4);
    await page.keyboard.press(" ");
    await move("ArrowDown", 4);
    await page.keyboard.press("Escape");
    await page.keyboard.press(" ");
    await move("ArrowUp", 4);
    await page.keyboard.press(" ");
    await move("ArrowLeft", 4);
    await page.keyboard.press(" ");
    await move("ArrowDown", 4);
    await page.keyboard.press("Enter");
    expect(await count()).toBe(before + 1);
    await page.keyboard.press("s");
    await move("ArrowUp", 2);
    await move("ArrowLeft", 2);
    await page.keyboard.press(" ");
    await move("ArrowRight", 8);
    await page.keyboard.press("Enter");
    expect(await count()).toBeGreaterThan(before + 1);
    await page.keyboard.press("Control+z");
    await page.keyboard.press("Control+z");
    expect(await count()).toBe(before);
  });

  test("label files that are written have the page's cells", async () => {
    const { page } = open;
    const want = await countOf(page);
    for (const name of ["_seg.npy", "Label TIFF", "ROI zip", "GeoJSON"]) {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name, exact: true }).click(),
      ]);
      const bytes = new Uint8Array(await readFile(await download.path()));
      const { masks } = await decodeLabels(bytes, {
        size: { height: 512, width: 512 },
      });
      expect(new Set(masks).size - 1, name).toBe(want);
    }
    const before = await sha256OfMasks(page);
    const [tif] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Label TIFF" }).click(),
    ]);
    const [chooser] = await Promise.all([
      page.waitForEvent("filechooser"),
      page.getByRole("button", { name: "Open labels…" }).click(),
    ]);
    await chooser.setFiles(await tif.path());
    await expect.poll(async () => await page.getByTestId("edits").innerText())
      .toMatch(/^0 of 0/);
    expect(await sha256OfMasks(page)).toBe(before);
  });

  test(`${EDITS} edits, ${UNDOS} undone and done again, a crash between: the masks of the log`, async () => {
    const { page } = open;
    const random = createRandom(7);
    const edit = async () => {
      await page.keyboard.press(random() < 0.5 ? "b" : "e");
      const x = 0.3 + 0.4 * random();
      const y = 0.1 + 0.8 * random();
      await drag(page, [[x, y], [x + 0.03, y + 0.03 * random()]]);
    };
    await page.getByRole("application").focus();
    const edits = async (target: Page) =>
      Number(/^(\d+)/.exec(await target.getByTestId("edits").innerText())?.[1]);
    while (await edits(page) < EDITS / 2) await edit();
    const half = await sha256OfMasks(page);
    await page.waitForTimeout(400);
    // a crash: nothing is said to the page
    const other = await open.reopen();
    await page.close();
    await other.getByRole("button", { name: "Nuclei", exact: true }).click();
    await waitForMessage(other, /earlier visit/);
    expect(await sha256OfMasks(other)).toBe(half);
    await choose(other, "Correct");
    expect(await edits(other)).toBe(EDITS / 2);
    await other.getByRole("application").focus();
    while (await edits(other) < EDITS) {
      await other.keyboard.press(random() < 0.5 ? "b" : "e");
      const x = 0.3 + 0.4 * random();
      const y = 0.1 + 0.8 * random();
      await drag(other, [[x, y], [x + 0.03, y + 0.03 * random()]]);
    }
    const whole = await sha256OfMasks(other);
    for (let k = 0; k < UNDOS; k++) await other.keyboard.press("Control+z");
    expect(await edits(other)).toBe(EDITS - UNDOS);
    for (let k = 0; k < UNDOS; k++) {
      await other.keyboard.press("Control+Shift+z");
    }
    expect(await sha256OfMasks(other)).toBe(whole);
    expect(await replayed(other)).toBe(whole);
    expect(open.complaints).toEqual([]);
  });
});

type Place = readonly [x: number, y: number];

async function boxOf(page: Page) {
  const box = await page.getByRole("application").boundingBox();
  if (box === null) throw new Error("no viewer");
  return ([x, y]: Place): Place => [
    box.x + box.width * x,
    box.y + box.height * y,
  ];
}

async function drag(page: Page, places: readonly Place[]): Promise<void> {
  const at = await boxOf(page);
  await page.mouse.move(...at(places[0]));
  await page.mouse.down();
  for (const place of places.slice(1)) {
    await page.mouse.move(...at(place), { steps: 3 });
  }
  await page.mouse.up();
}

async function click(page: Page, place: Place): Promise<void> {
  const at = await boxOf(page);
  await page.mouse.click(...at(place));
}

async function countOf(page: Page): Promise<number> {
  const text = await page.getByTestId("edits").innerText();
  return Number(/(\d+) cells/.exec(text)?.[1]);
}

/** SHA-256 of the masks that the log gives when it is replayed. */
function replayed(page: Page): Promise<string> {
  return page.evaluate(async () => {
    // deno-lint-ignore no-explicit-any
    const { doc } = (globalThis as any).cytoedge;
    const image = doc.value;
    const { base, log } = image.planes.get(image.plane.value).cells.value;
    const masks = new Uint32Array(
      image.facts.size.height * image.facts.size.width,
    );
    // pairs of length and label
    for (let r = 0, at = 0; r < base.length; at += base[r], r += 2) {
      masks.fill(base[r + 1], at, at + base[r]);
    }
    for (const { runs } of log.edits.slice(0, log.done)) {
      for (let r = 0; r < runs.length; r += 4) {
        masks.fill(runs[r + 3], runs[r], runs[r] + runs[r + 1]);
      }
    }
    const digest = await crypto.subtle.digest("SHA-256", masks);
    return Array.from(
      new Uint8Array(digest),
      (byte) => byte.toString(16).padStart(2, "0"),
    ).join("");
  });
}

function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
