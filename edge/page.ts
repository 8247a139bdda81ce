/**
 * `GET /` and its assets: the page, and the session that lets it ask.
 *
 * A session is given only where the server is bound to loopback and was asked
 * by a loopback name: any other page of a browser gets none.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { NotFoundError } from "../shared/errors.ts";
import { isLoopbackHost } from "./access/session.ts";
import type { EdgeDeps } from "./deps.ts";
import { createRouter } from "./router.ts";

const DIST = fileURLToPath(new URL("./web/dist/", import.meta.url));
const EXAMPLES = fileURLToPath(new URL("../examples/", import.meta.url));

/** Images that the page offers, with the type of each. */
const EXAMPLE_FILES: Readonly<Record<string, string>> = {
  "nuclei_2d.tif": "image/tiff",
  "nuclei_2d_masks.tif": "image/tiff",
  "nuclei_3d.tif": "image/tiff",
  "nuclei_3d_masks.tif": "image/tiff",
  "cell.png": "image/png",
  "ihc.png": "image/png",
  "histo.jpg": "image/jpeg",
};

const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  wasm: "application/wasm",
};

/** Whom the page's session works for: the same as the first key. */
const TENANT = "local";

const DAY = "public, max-age=86400";
const FOR_EVER = "public, max-age=31536000, immutable";

/**
 * Scripts and images of this origin only; connections to it, and to where
 * uploads go and results lie.
 */
function writePolicy(storeOrigins: readonly string[]): string {
  // an origin holds no space or semicolon: nothing else can be let in
  const origins = storeOrigins.map((each) => new URL(each).origin);
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    ["connect-src 'self'", ...origins].join(" "),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** With these, memory can be shared and the network has threads. */
const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
} as const;

/** The routes of the page. */
export function page(
  { sessions, settings }: Pick<EdgeDeps, "sessions" | "settings">,
) {
  const policy = writePolicy(settings.storeOrigins);
  const router = createRouter();
  router.get("/", async (c) => {
    const html = await readOrMiss(join(DIST, "index.html"), "page");
    const host = c.req.header("host") ?? new URL(c.req.url).host;
    if (sessions && isLoopbackHost(host)) {
      c.header("set-cookie", sessions.issue(TENANT));
    }
    return c.body(html, 200, {
      ...ISOLATION,
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "cache-control": "no-cache",
    });
  });
  router.get("/assets/:file", async (c) => {
    const file = c.req.param("file");
    const type = TYPES[file.split(".").at(-1) ?? ""];
    // one plain name: no path leaves the folder
    if (type === undefined || !/^[\w.-]+$/.test(file)) {
      throw new NotFoundError("file", file);
    }
    const isRuntime = file.startsWith("ort-wasm");
    const bytes = await readOrMiss(
      join(isRuntime ? runtimeFolder() : join(DIST, "assets"), file),
      file,
    );
    return c.body(bytes, 200, {
      ...ISOLATION,
      "content-type": type,
      // the names of runtimes and decoders are their packages'
      "cache-control": /-[\w]{8,}\.\w+$/.test(file) && !isRuntime
        ? FOR_EVER
        : DAY,
      "content-security-policy": policy,
    });
  });
  router.get("/examples/:file", async (c) => {
    const file = c.req.param("file");
    const type = EXAMPLE_FILES[file];
    if (type === undefined) throw new NotFoundError("example", file);
    return c.body(await readOrMiss(join(EXAMPLES, file), file), 200, {
      "content-type": type,
      "cache-control": DAY,
    });
  });
  return router;
}

/** Where onnxruntime-web keeps its own files. */
function runtimeFolder(): string {
  return dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
}

async function readOrMiss(
  path: string,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(path));
  } catch {
    throw new NotFoundError(
      "file",
      name === "page" ? "the page; build it with `deno task build`" : name,
    );
  }
}
