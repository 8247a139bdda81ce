import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeLabelTiff } from "../../shared/image/labels.ts";
import { decodeLabels } from "../../shared/image/read_labels.ts";
import { encodeTiff } from "../../shared/image/tiff_write.ts";
import {
  choose,
  deleteSmaller,
  MISSING,
  type OpenPage,
  openPage,
} from "./browser.ts";

/** More pixels than are unpacked at once to be measured. */
const SIZE = { height: 4120, width: 4100 };
/** Cells in a row, and in a column. */
const ACROSS = 102;
const STEP = 40;

describe.skipIf(MISSING)(`page: large (${MISSING ?? "Chromium"})`, () => {
  const root = mkdtempSync(join(tmpdir(), "page-large-"));
  const masks = new Uint32Array(SIZE.height * SIZE.width);
  let open: OpenPage;
  beforeAll(async () => {
    for (let y = 0; y < ACROSS * STEP; y++) {
      for (let k = 0; k < ACROSS; k++) {
        // each cell is as wide as its column says, and ids go backwards
        const label = 20_000 - (Math.floor(y / STEP) * ACROSS + k);
        const from = y * SIZE.width + k * STEP;
        if (y % STEP < 30) masks.fill(label, from, from + 10 + k % 20);
      }
    }
    const image = Uint8Array.from(masks, (label) => label > 0 ? 200 : 10);
    writeFileSync(
      join(root, "large.tif"),
      encodeTiff({
        data: image,
        axes: "YX",
        shape: [SIZE.height, SIZE.width],
      }),
    );
    writeFileSync(
      join(root, "masks.tif"),
      encodeLabelTiff({ masks, size: SIZE }),
    );
    open = await openPage();
  });
  afterAll(async () => {
    await open.close();
    rmSync(root, { recursive: true });
  });

  test(`${ACROSS ** 2} cells open, are measured band by band, and edited`, async () => {
    const { page } = open;
    await pick(open, "Open files…", join(root, "large.tif"));
    await page.getByText("large.tif").first().waitFor();
    await choose(page, "Correct");
    await pick(open, "Open labels…", join(root, "masks.tif"));
    const edits = page.getByTestId("edits");
    await edits.filter({ hasText: `${ACROSS ** 2} cells` }).waitFor();

    await choose(page, "Measure");
    await page.getByText(`100 of ${ACROSS ** 2}`).waitFor();
    const row = await page.locator(".table tbody tr").first().locator("td")
      .allInnerTexts();
    // the lowest number is the last cell: 10 + 101 % 20 columns of 30 rows
    expect(row[0]).toBe(String(20_000 - ACROSS ** 2 + 1));
    expect(row[1]).toBe(String(30 * (10 + 101 % 20)));
    await page.waitForTimeout(500);
    await open.shoot("large_cells");

    await choose(page, "Correct");
    // those of 10 columns: every twentieth
    await deleteSmaller(page, 301);
    const left = ACROSS * (ACROSS - Math.ceil(ACROSS / 20));
    await edits.filter({ hasText: `1 of 1 edits; ${left} cells` }).waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await edits.filter({ hasText: `${ACROSS ** 2} cells` }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Label TIFF" }).click(),
    ]);
    const written = await decodeLabels(
      new Uint8Array(readFileSync(await download.path())),
    );
    // not toEqual: millions of numbers
    expect(written.masks.every((label, i) => label === masks[i])).toBe(true);
    expect(written.masks).toHaveLength(masks.length);
    expect(open.complaints).toEqual([]);
  });
});

async function pick({ page }: OpenPage, button: string, path: string) {
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: button }).click(),
  ]);
  await chooser.setFiles(path);
}
