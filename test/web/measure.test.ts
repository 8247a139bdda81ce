import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateScene } from "../../shared/synthetic/mod.ts";
import { core } from "../core.ts";
import {
  choose,
  MISSING,
  type OpenPage,
  openPage,
  waitForMessage,
} from "./browser.ts";

describe.skipIf(MISSING)(`page: measure (${MISSING ?? "Chromium"})`, () => {
  let open: OpenPage;
  beforeAll(async () => {
    open = await openPage();
    await open.page.getByRole("button", { name: "Nuclei", exact: true })
      .click();
    await open.page.getByText("nuclei_2d.tif").first().waitFor();
    await open.page.getByRole("button", { name: "Preview", exact: true })
      .click();
    await waitForMessage(open.page, /\d+ cells in/);
  });
  afterAll(async () => await open.close());

  test("the table sorts, and a row leads to its cell", async () => {
    const { page } = open;
    await choose(page, "Measure");
    await page.getByRole("button", { name: "Area, px" }).click();
    await page.getByRole("button", { name: "Area, px" }).click();
    const areas = (await page.locator(".table tbody tr td:nth-child(2)")
      .allInnerTexts()).map(Number);
    expect(areas.length).toBeGreaterThan(20);
    expect(areas).toEqual([...areas].sort((a, b) => b - a));
    await page.locator(".table tbody tr button").first().click();
    await expect.poll(() => page.locator("tr.chosen").count()).toBe(1);
    await page.waitForTimeout(500);
    await open.shoot("measure");
  });

  test("CSV has a row a cell, with intensities", async () => {
    const { page } = open;
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "CSV", exact: true }).click(),
    ]);
    const lines = (await readFile(await download.path(), "utf8")).trimEnd()
      .split("\n");
    expect(lines[0]).toMatch(/label,.*area.*intensity/);
    const rows = await page.locator(".table tbody tr").count();
    expect(lines.length - 1).toBe(rows);
  });

  test("all open images are segmented and written as one table", async () => {
    const { page } = open;
    await page.getByRole("navigation")
      .getByRole("button", { name: "Cell", exact: true }).click();
    await page.getByText("cell.png").first().waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "CSV of all open images" }).click(),
    ]);
    const text = await readFile(await download.path(), "utf8");
    expect(text).toMatch(/^image,/);
    expect(text).toMatch(/\n"nuclei_2d.tif",/);
    expect(text).toMatch(/\n"cell.png",/);
  });

  test("a scene of the report is found again, with the core's own score", async () => {
    const { page } = open;
    await choose(page, "Bench");
    await page.getByLabel("Scenario").selectOption("Ex5");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    const outcome = page.getByTestId("outcome");
    await outcome.waitFor();
    const scene = generateScene(1, {
      shape: "circle",
      count: 30,
      overlap: 0.7,
    });
    const logit = Float32Array.from(scene.labels, (l) => l > 0 ? 6 : -6);
    const { masks } = core.computeMasks(
      core.labelsToFlows(scene.labels, scene.size),
      logit,
      scene.size,
    );
    const iou = core.meanIou(scene.labels, masks, scene.size);
    expect(await outcome.innerText()).toContain(iou.toFixed(3));
    await page.waitForTimeout(500);
    await open.shoot("bench_scene");
    await page.getByRole("button", { name: "Compute both here" }).click();
    await page.locator(".curve-3").waitFor();
    await page.locator(".chart").scrollIntoViewIfNeeded();
    await open.shoot("bench_figures");
    expect(await page.locator(".scores tr").count()).toBe(3);
    expect(open.complaints).toEqual([]);
  });
});
