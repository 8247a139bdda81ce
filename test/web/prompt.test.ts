import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importModel } from "../../gpu-worker/import/import_model.ts";
import { loadNodePromptModel } from "../../gpu-worker/prompt_model_node.ts";
import type { PromptModel } from "../../shared/pipeline/prompt_model.ts";
import { unpackModels } from "../import/models.ts";
import { violationsEverywhere } from "./axe.ts";
import {
  choose,
  MISSING,
  type OpenPage,
  openPage,
  waitForMessage,
} from "./browser.ts";

describe.skipIf(MISSING)(`page: prompts (${MISSING ?? "Chromium"})`, () => {
  let root: string;
  let open: OpenPage;
  let model: PromptModel;
  beforeAll(async () => {
    root = unpackModels(["sam_0"]);
    importModel(join(root, "sam_0", "checkpoint.pth"), join(root, "sam"));
    model = await loadNodePromptModel(join(root, "sam"));
    open = await openPage({ loadPrompted: () => Promise.resolve(model) });
    await open.page.getByRole("button", { name: "Cell", exact: true }).click();
    await open.page.getByText("cell.png").first().waitFor();
    await choose(open.page, "Correct");
  });
  afterAll(async () => {
    await open.close();
    await model.close();
    rmSync(root, { recursive: true });
  });

  test("a click adds the cell that the prompted model finds there, as an edit", async () => {
    const { page } = open;
    await page.getByLabel("Add by").waitFor();
    const asked = page.waitForRequest(/\/v1\/prompts/);
    await page.getByRole("button", { name: /^Add \w$/ }).click();
    await clickAt(open, [0.5, 0.5]);
    const sent = (await asked).postDataJSON();
    expect(sent.points).toHaveLength(1);
    const said = await waitForMessage(page, /expected IoU|sees no cell/);
    // the answer of the service is what was added
    const answer = await (await (await asked).response())?.json();
    const area = answer.area as number;
    expect(await areaOf(open)).toBe(area);
    if (area > 0) {
      expect(said).toContain(`of ${area} pixels`);
      expect(await page.getByTestId("edits").innerText()).toMatch(/^1 of 1/);
      await open.shoot("prompt_click");
      await page.getByRole("button", { name: "Undo" }).click();
      expect(await areaOf(open)).toBe(0);
    }
  });

  test("a dragged box is a prompt", async () => {
    const { page } = open;
    const asked = page.waitForRequest(/\/v1\/prompts/);
    await page.keyboard.press("x");
    const box = await page.getByRole("application").boundingBox();
    if (box === null) throw new Error("no viewer");
    const at = (x: number, y: number) =>
      [box.x + box.width * x, box.y + box.height * y] as const;
    await page.mouse.move(...at(0.55, 0.6));
    await page.mouse.down();
    await page.mouse.move(...at(0.42, 0.4), { steps: 4 });
    await open.shoot("prompt_box");
    await page.mouse.up();
    expect(await violationsEverywhere(open, "prompts")).toEqual([]);
    const [y0, x0, y1, x1] = (await asked).postDataJSON().box;
    expect(y1).toBeGreaterThan(y0);
    expect(x1).toBeGreaterThan(x0);
    const answer = await (await (await asked).response())?.json();
    await waitForMessage(page, /expected IoU|sees no cell|belongs to other/);
    expect(await areaOf(open)).toBe(answer.area);
    expect(open.complaints).toEqual([]);
  });
});

/** Click into the viewer, at parts of its size. */
async function clickAt({ page }: OpenPage, [x, y]: readonly number[]) {
  const box = await page.getByRole("application").boundingBox();
  if (box === null) throw new Error("no viewer");
  await page.mouse.click(box.x + box.width * x, box.y + box.height * y);
}

/** Pixels of all cells. */
function areaOf({ page }: OpenPage): Promise<number> {
  return page.evaluate(() => {
    // deno-lint-ignore no-explicit-any
    const image = (globalThis as any).cytoedge.doc.value;
    const cells = image.planes.get(image.plane.value)?.cells.value;
    return cells ? cells.areas.reduce((a: number, b: number) => a + b, 0) : 0;
  });
}
