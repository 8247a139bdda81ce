/**
 * Open the page in Chromium and print what it shows.
 *
 *   deno run -A main.ts [screenshot.png]
 *   deno run -A main.ts --serve            serve the page for your own browser
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { argv, env, exit, stdout } from "node:process";
import { chromium } from "playwright-core";
import { findChromium } from "./chromium.ts";

/** The folder that holds `dist/` and `embed/`. */
const WASM = new URL("../../", import.meta.url);

const TYPES: Record<string, string> = {
  html: "text/html",
  js: "text/javascript",
  wasm: "application/wasm",
  f32: "application/octet-stream",
};

const server = createServer(async (request, response) => {
  // the parser of URLs resolves `..`, so that no path leaves the folder
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const type = TYPES[pathname.split(".").at(-1) ?? ""];
  const bytes = type === undefined
    ? undefined
    : await readFile(new URL(`.${pathname}`, WASM)).catch(() => undefined);
  if (bytes === undefined) response.writeHead(404).end();
  else response.writeHead(200, { "content-type": type }).end(bytes);
});
await new Promise<void>((done) => server.listen(0, "localhost", done));
const { port } = server.address() as AddressInfo;
const page = `http://localhost:${port}/embed/browser/index.html`;

const [argument] = argv.slice(2);
if (argument === "--serve") {
  stdout.write(`${page}\n`);
} else {
  stdout.write(`${await show(page, argument)}\n`);
  exit(0); // whatever connection the browser left open
}

async function show(url: string, screenshot?: string): Promise<string> {
  const executablePath = findChromium(env.CHROMIUM);
  if (executablePath === undefined) {
    throw new Error("No Chromium found; set CHROMIUM to the program's path");
  }
  // as root, as in containers, Chromium has no sandbox
  const browser = await chromium.launch({
    executablePath,
    chromiumSandbox: false,
  });
  try {
    const tab = await browser.newPage();
    await tab.goto(url);
    const output = await tab.waitForSelector("output.done");
    if (screenshot !== undefined) await tab.screenshot({ path: screenshot });
    return await output.innerText();
  } finally {
    await browser.close();
  }
}
