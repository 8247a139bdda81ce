import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeImage } from "../../shared/image/decode.ts";
import { decodeLabels } from "../../shared/image/read_labels.ts";
import { decodeNpy } from "../../shared/image/npy.ts";
import { core } from "../core.ts";
import {
  choose,
  example,
  MISSING,
  type OpenPage,
  openPage,
  sha256OfMasks,
  waitForMessage,
} from "./browser.ts";

describe.skipIf(MISSING)(`page: segment (${MISSING ?? "Chromium"})`, () => {
  let open: OpenPage;
  beforeAll(async () => {
    open = await openPage();
    await open.page.getByRole("button", { name: "Nuclei", exact: true })
      .click();
    await open.page.getByText("nuclei_2d.tif").first().waitFor();
  });
  afterAll(async () => await open.close());

  test("a preview shows cells, and the masks are the edge's bit for bit", async () => {
    const { page } = open;
    await page.getByRole("button", { name: "Preview", exact: true }).click();
    await waitForMessage(page, /\d+ cells in/);
    await page.waitForTimeout(700);
    await open.shoot("preview");
    const form = new FormData();
    form.append(
      "image",
      new File([readFileSync(example("nuclei_2d.tif"))], "nuclei_2d.tif"),
    );
    form.append("options", JSON.stringify({ network: true }));
    const { body } = await open.service.call("POST", "/v1/previews", { form });
    const { masks, size } = await decodeLabels(
      Buffer.from(body.masks.data, "base64"),
    );
    const want = digest(masks);
    expect(await sha256OfMasks(page)).toBe(want);

    // the same flows and parameters here: the core in this process
    const { data } = decodeNpy(Buffer.from(body.network.data, "base64"));
    const planes = data as Float32Array;
    const pixels = masks.length;
    const here = core.computeMasks(
      planes.slice(0, 2 * pixels),
      planes.slice(2 * pixels),
      size,
      { niter: body.network.niter, parity: true },
    );
    expect(digest(here.masks)).toBe(want);

    // and in the page's worker: a change and back again
    const flow = page.getByLabel("Flow error below, exact");
    await choose(page, "Segment");
    await flow.fill("0.9");
    await flow.press("Enter");
    await waitForMessage(page, /cells in/);
    await flow.fill("0.4");
    await flow.press("Enter");
    await expect.poll(() => sha256OfMasks(page)).toBe(want);
  });

  test("truth is compared in the page with the core's scores", async () => {
    const { page } = open;
    await choose(page, "See");
    const cell = page.locator(".scores tr").filter({ hasText: "AP50" })
      .locator("td").first();
    await cell.waitFor();
    const truth = await decodeLabels(
      new Uint8Array(readFileSync(example("nuclei_2d_masks.tif"))),
    );
    const masks = await masksOf(open);
    const [{ ap }] = core.averagePrecision(
      truth.masks,
      masks,
      truth.size as { height: number; width: number },
    );
    expect(Number(await cell.innerText())).toBeCloseTo(ap, 3);
    expect(ap).toBeGreaterThan(0.2);
    await page.getByLabel("Cells colored by").selectOption("difference");
    await page.waitForTimeout(600);
    await open.shoot("see_difference");
    await page.getByLabel("Cells colored by").selectOption("confidence");
    await page.waitForTimeout(400);
    await open.shoot("see_confidence");
    await page.getByLabel("Cells colored by").selectOption("stable");
  });

  test("flows are shown as hues and arrows, and pixels are traced", async () => {
    const { page } = open;
    await choose(page, "See");
    await page.getByLabel("Below").selectOption("flows");
    await page.getByLabel("Masks").uncheck();
    await page.getByLabel("Flow arrows").check();
    const canvas = page.getByRole("application");
    await canvas.focus();
    for (let i = 0; i < 6; i++) await page.keyboard.press("+");
    await page.keyboard.press("t");
    await page.keyboard.press(" ");
    await page.waitForTimeout(1200);
    const still = await centerOf(page);
    await page.waitForTimeout(400);
    expect(await centerOf(page)).not.toEqual(still);
    await open.shoot("see_flows");
    await page.getByLabel("Below").selectOption("cellprob");
    await page.waitForTimeout(500);
    await open.shoot("see_cellprob");
    await page.getByLabel("Below").selectOption("image");
    await page.getByLabel("Flow arrows").uncheck();
    await page.getByLabel("Masks").check();
    await page.getByRole("button", { name: "Fit" }).click();
  });

  test("many changes of a slider end with the last one's masks", async () => {
    const { page } = open;
    await choose(page, "Segment");
    const slider = page.getByRole("slider", { name: "Cell probability above" });
    await slider.focus();
    for (let i = 0; i < 12; i++) await page.keyboard.press("ArrowRight");
    await expect.poll(() => slider.inputValue()).toBe("1.2");
    await waitForMessage(page, /cells in/);
    await page.waitForTimeout(800);
    const after = await sha256OfMasks(page);
    const exact = page.getByLabel("Cell probability above, exact");
    await exact.fill("0");
    await exact.press("Enter");
    await expect.poll(() => sha256OfMasks(page)).not.toBe(after);
    await exact.fill("1.2");
    await exact.press("Enter");
    await expect.poll(() => sha256OfMasks(page)).toBe(after);
    await exact.fill("0");
    await exact.press("Enter");
    await page.getByLabel("Cluster by").selectOption("dbscan");
    await waitForMessage(page, /cells in/);
    await page.getByLabel("Cluster by").selectOption("peaks");
    await page.getByRole("button", { name: "Draw" }).click();
    await page.locator(".chart .curve-1").waitFor();
    await expect.poll(() =>
      page.locator(".chart svg").getAttribute("aria-label")
    )
      .toContain("4:");
    await page.locator(".chart").scrollIntoViewIfNeeded();
    await open.shoot("tune_chart");
  });

  test("a job has a quote, runs, and its masks take the preview's place", async () => {
    const { page } = open;
    await choose(page, "Segment");
    await page.getByRole("button", { name: "Get a quote" }).click();
    await page.getByText(/tiles, about/).waitFor();
    await open.shoot("job_quote");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await waitForMessage(page, /cells at full resolution/);
    await page.getByText(/succeeded/).waitFor();
    await open.shoot("job_done");
    const image = await decodeImage(
      new Uint8Array(readFileSync(example("nuclei_2d.tif"))),
    );
    expect((await masksOf(open)).length).toBe(image.data.length);
    expect(open.complaints).toEqual([]);
  });
});

/** Pixels in the viewer's middle. */
function centerOf(page: OpenPage["page"]): Promise<number[]> {
  return page.evaluate(() => {
    const canvas = document.querySelector(
      ".viewer > canvas",
    ) as HTMLCanvasElement;
    const { data } = (canvas.getContext("2d") as CanvasRenderingContext2D)
      .getImageData(canvas.width / 2 - 60, canvas.height / 2 - 60, 120, 120);
    return [...data];
  });
}

function digest(masks: Uint32Array): string {
  return createHash("sha256")
    .update(new Uint8Array(masks.buffer, masks.byteOffset, masks.byteLength))
    .digest("hex");
}

async function masksOf({ page }: OpenPage): Promise<Uint32Array> {
  const text = await page.evaluate(() => {
    // deno-lint-ignore no-explicit-any
    const { doc } = (globalThis as any).cytoedge;
    const image = doc.value;
    return [...image.planes.get(image.plane.value).cells.value.masks.toArray()]
      .join();
  });
  return Uint32Array.from(text.split(","), Number);
}
