/** The page in Chromium, over a service in this process. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { loadNodeEncoder } from "../../gpu-worker/encoder_node.ts";
import { startWorker, WORK_KINDS } from "../../gpu-worker/start_worker.ts";
import type { PromptModel } from "../../shared/pipeline/prompt_model.ts";
import type { Encoder } from "../../shared/pipeline/encoder.ts";
import { createApp } from "../../edge/app.ts";
import { loadPreview } from "../../edge/load_preview.ts";
import { readModelFile } from "../../edge/read_model_file.ts";
import { findChromium } from "../../wasm/embed/browser/chromium.ts";
import { core } from "../core.ts";
import { startTestService, type TestService } from "../edge/service.ts";
import { createFake } from "../pipeline/fake_encoder.ts";

const PROGRAM = findChromium(Deno.env.get("CHROMIUM"));
const SHOTS = fileURLToPath(new URL("../../out/web/", import.meta.url));
const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

/** Why browser tests cannot run; undefined where they can. */
export const MISSING = PROGRAM === undefined
  ? "Chromium is missing; set CHROMIUM to the program's path"
  : undefined;

/** The path of an example. */
export const example = (name: string): string => join(EXAMPLES, name);

/** A page of a browser, and the service behind it. */
export interface OpenPage {
  readonly page: Page;
  readonly url: string;
  readonly service: TestService;
  /** What the page complained of. */
  readonly complaints: string[];
  /**
   * Another page of the same browser, with the same storage; a stranger has
   * none.
   */
  reopen(url?: string, isStranger?: boolean): Promise<Page>;
  shoot(name: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * An encoder that knows bright cells on dark ground: parts of the normalized
 * image above a threshold, with the flows of these.
 */
export function createBrightEncoder(threshold = 0.35): Encoder {
  return createFake((tile, { height, width }) => {
    const size = { height, width };
    const pixels = height * width;
    const bright = Uint32Array.from(
      tile.subarray(0, pixels),
      (value) => value > threshold ? 1 : 0,
    );
    const { masks } = core.splitLabels(bright, size);
    const out = new Float32Array(3 * pixels);
    out.set(core.labelsToFlows(masks, size).map((value) => 5 * value));
    for (let i = 0; i < pixels; i++) {
      out[2 * pixels + i] = Math.max(-6, Math.min(6, 12 * (tile[i] - 0.35)));
    }
    return out;
  });
}

/** Start a service and open its page. */
export async function openPage(
  { width = 1280, height = 720, encoder = createBrightEncoder(), ...more }: {
    width?: number;
    height?: number;
    encoder?: Encoder;
    scheme?: "light" | "dark";
    /** Folder of a model that previews, in the place of `encoder`. */
    model?: string;
    /** A model that answers prompts. */
    loadPrompted?: () => Promise<PromptModel>;
    /** Folder of a model for jobs and trainings, by a worker of its own. */
    shipped?: string;
  } = {},
): Promise<OpenPage> {
  const { scheme, model, loadPrompted, shipped } = more;
  const service = await startTestService({
    encoder,
    isWorking: shipped === undefined,
    ...(loadPrompted ? { loadPrompted } : {}),
  });
  const worker = shipped === undefined ? undefined : startWorker({
    ...service.deps,
    shipped,
    folder: join(shipped, "..", "worker"),
    load: (folder) =>
      loadNodeEncoder(folder, { providers: ["cpu"], threads: 1 }),
    pricePerGpuSecond: 1,
    threads: 1,
  }, { concurrency: 1, leaseMs: 30_000, kinds: WORK_KINDS });
  let preview: Promise<Encoder> | undefined;
  const app = createApp({
    ...service.deps,
    ...(model === undefined ? {} : {
      preview: () => preview ??= loadPreview(model),
      readModel: (name: string) => readModelFile(model, name),
    }),
  });
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    app.fetch,
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  let browser: Browser | undefined;
  try {
    browser = await chromium.launch({
      executablePath: PROGRAM as string,
      // as root, as in containers, Chromium has no sandbox
      chromiumSandbox: false,
    });
    const complaints: string[] = [];
    const looks = {
      viewport: { width, height },
      colorScheme: scheme ?? "light",
      acceptDownloads: true,
    } as const;
    const context = await browser.newContext(looks);
    const open = async (address = url, isStranger = false) => {
      const owner = isStranger ? await browser?.newContext(looks) : context;
      const page = await (owner ?? context).newPage();
      page.on("console", (line) => {
        if (line.type() === "error") complaints.push(line.text());
      });
      page.on("pageerror", (err) => complaints.push(err.message));
      await page.goto(address);
      await page.getByRole("tab", { name: "Segment" }).waitFor();
      return page;
    };
    const page = await open();
    return {
      page,
      url,
      service,
      complaints,
      reopen: open,
      async shoot(name) {
        mkdirSync(SHOTS, { recursive: true });
        await page.screenshot({ path: join(SHOTS, `${name}.png`) });
      },
      async close() {
        await browser?.close();
        await server.shutdown();
        await (await preview)?.close();
        await worker?.drain();
        await service.close();
      },
    };
  } catch (err) {
    await browser?.close();
    await server.shutdown();
    await worker?.drain();
    await service.close();
    throw err;
  }
}

/** Wait until the page's foot says something. */
export async function waitForMessage(
  page: Page,
  pattern: RegExp,
  timeout = 60_000,
): Promise<string> {
  const foot = page.getByTestId("message");
  await foot.filter({ hasText: pattern }).waitFor({ timeout });
  return await foot.innerText();
}

/** Choose a panel. */
export async function choose(page: Page, title: string): Promise<void> {
  await page.getByRole("tab", { name: title }).click();
}

/** Delete the cells of fewer pixels, as one edit; the panel is chosen. */
export async function deleteSmaller(page: Page, pixels: number): Promise<void> {
  const field = page.getByLabel("Smaller than, px, exact");
  await field.fill(String(pixels));
  await field.press("Enter");
  await page.getByRole("button", { name: "Delete smaller cells" }).click();
}

/** SHA-256 of the chosen image's masks, as the page holds them. */
export function sha256OfMasks(page: Page): Promise<string> {
  return page.evaluate(async () => {
    // deno-lint-ignore no-explicit-any
    const { doc } = (globalThis as any).cytoedge;
    const image = doc.value;
    const { masks } = image.planes.get(image.plane.value).cells.value;
    const digest = await crypto.subtle.digest("SHA-256", masks.toArray());
    return Array.from(
      new Uint8Array(digest),
      (byte) => byte.toString(16).padStart(2, "0"),
    ).join("");
  });
}
