import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { example, MISSING, type OpenPage, openPage } from "./browser.ts";

describe.skipIf(MISSING)(`page: open (${MISSING ?? "Chromium"})`, () => {
  let open: OpenPage;
  beforeAll(async () => void (open = await openPage()));
  afterAll(async () => await open.close());

  test("the page asks no other server and says nothing wrong", async () => {
    const { page, url, complaints } = open;
    const hosts = new Set<string>();
    page.on("request", (request) => {
      if (request.url().startsWith("http")) {
        hosts.add(new URL(request.url()).origin);
      }
    });
    await page.reload();
    await page.getByRole("tab", { name: "Segment" }).waitFor();
    await page.waitForTimeout(500);
    expect([...hosts]).toEqual([url]);
    expect(complaints).toEqual([]);
    expect(await page.evaluate(() => globalThis.crossOriginIsolated))
      .toBe(true);
  });

  test("an example is one click away and is drawn", async () => {
    const { page } = open;
    await page.getByRole("button", { name: "Nuclei", exact: true }).click();
    await page.getByText("nuclei_2d.tif").first().waitFor();
    await page.waitForTimeout(800);
    await open.shoot("open_example");
    expect(await brightest(open)).toBeGreaterThan(60);
  });

  test("files are picked, several at once, and listed with pictures", async () => {
    const { page } = open;
    const [chooser] = await Promise.all([
      page.waitForEvent("filechooser"),
      page.getByRole("button", { name: "Open files…" }).click(),
    ]);
    await chooser.setFiles([
      example("cell.png"),
      example("histo.jpg"),
      example("nuclei_3d.tif"),
    ]);
    await page.getByText("nuclei_3d.tif").first().waitFor();
    const items = page.getByRole("list", { name: "Open images" })
      .getByRole("listitem");
    await expect.poll(() => items.count()).toBe(4);
    await page.waitForTimeout(800);
    await open.shoot("open_list");
    expect(await brightest(open)).toBeGreaterThan(60);
  });

  test("a stack has a slider for its planes", async () => {
    const { page } = open;
    const slider = page.getByRole("slider", { name: /Plane|Time/ });
    const before = Number(await slider.inputValue());
    await slider.focus();
    await page.keyboard.press("ArrowRight");
    expect(Number(await slider.inputValue())).toBe(before + 1);
    await open.shoot("open_stack");
  });

  test("a dropped file opens; one that is no image is told", async () => {
    const { page } = open;
    await drop(open, "ihc.png", readFileSync(example("ihc.png")));
    await page.getByText("ihc.png").first().waitFor();
    await drop(open, "notes.txt", new TextEncoder().encode("no image"));
    await page.getByTestId("message").filter({ hasText: "notes.txt" })
      .waitFor();
    await open.shoot("open_dropped");
  });

  test("a pasted image opens", async () => {
    const { page } = open;
    const bytes = [...readFileSync(example("cell.png"))];
    const before = await count(open);
    await page.evaluate((bytes) => {
      const data = new DataTransfer();
      // other bytes than the file that is open
      const file = new Uint8Array([...bytes, 0]);
      data.items.add(new File([file], "pasted.png", { type: "image/png" }));
      document.dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: data, bubbles: true }),
      );
    }, bytes);
    await page.getByText("pasted.png").first().waitFor();
    expect(await count(open)).toBe(before + 1);
  });

  test("all images of a folder open, and what is none is told", async () => {
    const { page } = open;
    const folder = mkdtempSync(join(tmpdir(), "folder-"));
    try {
      mkdirSync(join(folder, "day 2"));
      const bytes = readFileSync(example("cell.png"));
      for (const [k, name] of ["a.png", "day 2/b.png"].entries()) {
        writeFileSync(
          join(folder, name),
          new Uint8Array([...bytes, ...new Uint8Array(k + 2)]),
        );
      }
      writeFileSync(join(folder, "notes.txt"), "no image");
      const before = await count(open);
      const [chooser] = await Promise.all([
        page.waitForEvent("filechooser"),
        page.getByRole("button", { name: "Open folder…" }).click(),
      ]);
      await chooser.setFiles(folder);
      await page.getByTestId("message").filter({ hasText: "notes.txt" })
        .waitFor();
      expect(await count(open)).toBe(before + 2);
      await page.getByText("b.png").first().waitFor();
      await open.shoot("open_folder");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("pan and zoom follow keys and the wheel", async () => {
    const { page } = open;
    const zoom = () =>
      page.evaluate(() =>
        // deno-lint-ignore no-explicit-any
        (globalThis as any).cytoedge.theViewer().view
      );
    const canvas = page.getByRole("application");
    await canvas.focus();
    const before = await zoom();
    await page.keyboard.press("+");
    const after = await zoom();
    expect(after.zoom).toBeCloseTo(before.zoom * 1.25);
    await page.keyboard.press("ArrowRight");
    expect((await zoom()).x).toBeGreaterThan(after.x);
    await canvas.hover();
    await page.mouse.wheel(0, -200);
    expect((await zoom()).zoom).toBeGreaterThan(after.zoom);
  });
});

/** Images in the list. */
function count({ page }: OpenPage): Promise<number> {
  return page.getByRole("list", { name: "Open images" })
    .getByRole("listitem").count();
}

async function drop(
  { page }: OpenPage,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const data = await page.evaluateHandle(({ name, bytes }) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], name));
    return transfer;
  }, { name, bytes: [...bytes] });
  await page.dispatchEvent("main", "drop", { dataTransfer: data });
}

/** The brightest value of the viewer's middle. */
function brightest({ page }: OpenPage): Promise<number> {
  return page.evaluate(() => {
    const canvas = document.querySelector(
      ".viewer > canvas",
    ) as HTMLCanvasElement;
    const { width, height } = canvas;
    const { data } = (canvas.getContext("2d") as CanvasRenderingContext2D)
      .getImageData(
        width * 0.3,
        height * 0.3,
        width * 0.4,
        height * 0.4,
      );
    let top = 0;
    for (let i = 0; i < data.length; i += 4) top = Math.max(top, data[i]);
    return top;
  });
}
