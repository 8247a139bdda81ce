import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importModel } from "../../gpu-worker/import/import_model.ts";
import { violationsEverywhere } from "./axe.ts";
import {
  MISSING,
  type OpenPage,
  openPage,
  sha256OfMasks,
  waitForMessage,
} from "./browser.ts";

const CHECKPOINT = fileURLToPath(
  new URL("../fixtures/end_to_end_unet/checkpoint.pth.gz", import.meta.url),
);

describe.skipIf(MISSING)(
  `page: in the browser (${MISSING ?? "Chromium"})`,
  () => {
    const root = mkdtempSync(join(tmpdir(), "page-"));
    let open: OpenPage;
    beforeAll(async () => {
      const file = join(root, "checkpoint.pth");
      writeFileSync(file, gunzipSync(readFileSync(CHECKPOINT)));
      importModel(file, join(root, "model"));
      open = await openPage({ model: join(root, "model") });
    });
    afterAll(async () => {
      await open.close();
      rmSync(root, { recursive: true });
    });

    test("a preview wholly in the browser has the edge's masks; nothing is sent", async () => {
      const { page } = open;
      await page.getByRole("button", { name: "Nuclei", exact: true }).click();
      await page.getByText("nuclei_2d.tif").first().waitFor();
      await page.getByRole("button", { name: "Preview", exact: true }).click();
      await waitForMessage(page, /cells in \d+ ms, by/);
      const edge = await sha256OfMasks(page);
      const posted: string[] = [];
      page.on("request", (request) => {
        if (request.method() !== "GET") posted.push(request.url());
      });
      await page.getByLabel("Runs").selectOption("browser");
      await page.getByRole("button", { name: "Preview", exact: true }).click();
      const said = await waitForMessage(page, /cells in \d+ ms, here on/);
      expect(Number.parseInt(said)).toBeGreaterThan(10);
      await page.waitForTimeout(500);
      await open.shoot("preview_here");
      expect(posted).toEqual([]);
      expect(await sha256OfMasks(page)).toBe(edge);
      expect(open.complaints).toEqual([]);
    });

    test("without WebGPU the page says that WebAssembly runs, and why", async () => {
      const { page } = open;
      const provider = page.getByTestId("provider");
      const said = await page.getByTestId("message").innerText();
      // a browser with an adapter runs there
      expect(await provider.innerText()).toMatch(
        /here on wasm/.test(said)
          ? /WebGPU cannot be used \(.+\): WebAssembly runs instead/
          : /Runs on WebGPU/,
      );
      expect(await violationsEverywhere(open, "webgpu")).toEqual([]);
      await page.getByLabel("Use WebGPU").uncheck();
      expect(await provider.innerText()).toBe("WebAssembly, as asked for.");
      await page.getByRole("button", { name: "Preview", exact: true }).click();
      await page.getByText("Preview in the browser…").waitFor();
      await waitForMessage(page, /cells in \d+ ms, here on wasm/);
    });
  },
);
