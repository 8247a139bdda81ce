import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SESSION_COOKIE } from "../../edge/access/session.ts";
import { ORIGIN, startTestService, type TestService } from "./service.ts";

const ASSETS = new URL("../../edge/web/dist/assets/", import.meta.url);

let service: TestService;
beforeAll(async () => void (service = await startTestService()));
afterAll(async () => await service.close());

const get = (path: string, headers: Record<string, string> = {}) =>
  service.fetch(new Request(ORIGIN + path, { headers }));

test("GET / gives a page that may load nothing from elsewhere", async () => {
  const answer = await get("/");
  expect(answer.status).toBe(200);
  const policy = answer.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'");
  expect(policy).not.toMatch(/https?:|unsafe-inline|'unsafe-eval'|\*/);
  const html = await answer.text();
  for (const [, url] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
    if (!url.startsWith("data:")) expect(url).toMatch(/^\/assets\//);
  }
});

test("GET / lets the page call the store where that has another origin", async () => {
  const connect = (answer: Response) =>
    /connect-src ([^;]*)/.exec(
      answer.headers.get("content-security-policy") ?? "",
    )?.[1];
  expect(connect(await get("/"))).toBe("'self'");
  const other = await startTestService({
    isWorking: false,
    settings: {
      storeOrigins: ["https://cells.s3.example/x; script-src *", "http://a:9"],
    },
  });
  const ask = (path: string) => other.fetch(new Request(`${ORIGIN}${path}`));
  const page = await ask("/");
  const want = "'self' https://cells.s3.example http://a:9";
  expect(connect(page)).toBe(want);
  expect(page.headers.get("content-security-policy")).not.toContain("*");
  // workers have the policy of their own file
  const script = /src="([^"]+)"/.exec(await page.text())?.[1] ?? "";
  expect(connect(await ask(script))).toBe(want);
  await other.close();
});

test("GET / gives a session that the interface takes, on loopback only", async () => {
  const cookie = (await get("/")).headers.get("set-cookie") ?? "";
  expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
  const [value] = cookie.split(";");
  expect(value.startsWith(`${SESSION_COOKIE}=`)).toBe(true);
  expect((await get("/v1/models", { cookie: value })).status).toBe(200);
  expect((await get("/v1/models")).status).toBe(401);
  const elsewhere = await get("/", { host: "evil.example" });
  expect(elsewhere.headers.get("set-cookie")).toBeNull();
});

test("assets named by content are kept for ever, others are not there", async () => {
  const html = await (await get("/")).text();
  const script = /src="([^"]+)"/.exec(html)?.[1] ?? "";
  const answer = await get(script);
  expect(answer.headers.get("cache-control")).toContain("immutable");
  expect(answer.headers.get("content-type")).toMatch(/^text\/javascript/);
  for (
    const path of [
      "/assets/..%2findex.html",
      "/assets/nothing.js",
      "/assets/%2e%2e%2f%2e%2e%2fapp.ts",
      "/examples/README.md",
      "/examples/..%2fREADME.md",
    ]
  ) {
    expect((await get(path)).status, path).toBe(404);
  }
  expect((await get("/examples/nuclei_2d.tif")).status).toBe(200);
});

test("the page's code is at most 350 kB packed, before a model is asked for", () => {
  const isLoaded = (name: string) =>
    /^(main|worker|core|style)-/.test(name) || importedChunks().has(name);
  const total = readdirSync(ASSETS).filter(isLoaded)
    .reduce(
      (sum, name) => sum + gzipSync(readFileSync(new URL(name, ASSETS))).length,
      0,
    );
  expect(total).toBeGreaterThan(50_000);
  expect(total).toBeLessThanOrEqual(350_000);
});

/** Chunks that the page or its worker imports at once. */
function importedChunks(): Set<string> {
  const found = new Set<string>();
  const visit = (name: string) => {
    const text = readFileSync(new URL(name, ASSETS), "utf8");
    for (const [, chunk] of text.matchAll(/from"\.\/(chunk-\w+\.js)"/g)) {
      if (found.has(chunk)) continue;
      found.add(chunk);
      visit(chunk);
    }
  };
  for (const name of readdirSync(ASSETS)) {
    if (/^(main|worker)-.*\.js$/.test(name)) visit(name);
  }
  return found;
}

test("model files are given out where the service has them, by name", async () => {
  const { status } = await service.call(
    "GET",
    "/v1/models/default/files/model.json",
  );
  // the test service's encoder has no files
  expect(status).toBe(404);
});
