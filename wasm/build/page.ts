/**
 * Bundle the page: `edge/web/` → `edge/web/dist/`, every file but the first
 * named by its content, so that browsers may keep it for ever.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as esbuild from "esbuild";

const require = createRequire(import.meta.url);

/** Decoders of pictures that their packages load by these names. */
const CODECS = [
  ["@jsquash/jpeg", "codec/dec/mozjpeg_dec.wasm"],
  ["@jsquash/webp", "codec/dec/webp_dec.wasm"],
] as const;

/**
 * Bundle the page.
 *
 * @param web   the page's sources
 * @param core  `core.wasm`
 * @param out   folder for `index.html` and `assets/`
 */
export async function bundlePage(
  { web, core }: { readonly web: string; readonly core: string },
  out: string,
): Promise<void> {
  const assets = join(out, "assets");
  await mkdir(assets, { recursive: true });
  const put = async (name: string, bytes: Uint8Array) => {
    const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 10);
    const hashed = name.replace(/\.(\w+)$/, `-${hash}.$1`);
    await writeFile(join(assets, hashed), bytes);
    return `/assets/${hashed}`;
  };
  const coreUrl = await put("core.wasm", await readFile(core));
  for (const [name, file] of CODECS) {
    const bytes = await readFile(
      join(dirname(require.resolve(`${name}/package.json`)), file),
    );
    await writeFile(join(assets, file.split("/").at(-1) ?? file), bytes);
  }
  const workers = await bundle(
    [join(web, "work", "worker.ts"), join(web, "work", "model.ts")],
    assets,
    { CORE_URL: coreUrl },
  );
  const page = await bundle([join(web, "main.tsx")], assets, {
    WORKER_URL: workers.worker,
    MODEL_WORKER_URL: workers.model,
  });
  await esbuild.stop();
  const style = await put("style.css", await readFile(join(web, "style.css")));
  const html = await readFile(join(web, "index.html"), "utf8");
  await writeFile(
    join(out, "index.html"),
    html.replace("STYLE_URL", style).replaceAll("MAIN_URL", page.main)
      .replace("CORE_URL", coreUrl),
  );
}

/** Bundle entries; the URL of each, by its name. */
async function bundle(
  entryPoints: string[],
  outdir: string,
  constants: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const { metafile } = await esbuild.build({
    entryPoints,
    outdir,
    entryNames: "[name]-[hash]",
    chunkNames: "chunk-[hash]",
    bundle: true,
    splitting: true,
    minify: true,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    jsx: "automatic",
    jsxImportSource: "preact",
    external: ["node:*"],
    logLevel: "error",
    define: Object.fromEntries(
      Object.entries(constants).map(([k, v]) => [k, JSON.stringify(v)]),
    ),
  });
  const urls: Record<string, string> = {};
  for (const [path, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (entryPoint === undefined) continue;
    const name = entryPoint.split("/").at(-1)?.replace(/\.tsx?$/, "") ?? "";
    urls[name] = `/assets/${path.split("/").at(-1)}`;
  }
  return urls;
}
