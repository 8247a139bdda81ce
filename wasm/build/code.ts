/**
 * Bundle the host API: `mod.ts` → `core.js`, and describe it as a package.
 *
 * @module
 */
import * as esbuild from "esbuild";
import { writeFile } from "node:fs/promises";

/**
 * Files as the sources refer to them, and as the bundle does, which lies beside
 * them. Literal URLs, since a page's bundler looks for these.
 */
const MOVED = [
  [urlOf("./dist/core.wasm"), urlOf("./core.wasm")],
  [urlOf("./worker.ts"), urlOf("./worker.js")],
];

/** Bundle the code: one ES module without dependencies. */
export async function bundleCode(entry: string, out: string): Promise<void> {
  const { outputFiles } = await esbuild.build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    charset: "utf8",
    // for files and threads where there is no browser
    external: ["node:*"],
  });
  await esbuild.stop(); // its service would keep the process alive
  let [{ text }] = outputFiles;
  for (const [source, bundled] of MOVED) {
    text = text.replaceAll(source, bundled);
  }
  await writeFile(out, text);
}

function urlOf(path: string): string {
  return `new URL("${path}", import.meta.url)`;
}

/** The text of `package.json`. */
export function describePackage(version: string): string {
  const description =
    "Cell segmentation's numeric core in WebAssembly: flows, masks, images, metrics and shapes";
  return JSON.stringify(
    {
      name: "cytoedge-core",
      version,
      description,
      license: "Apache-2.0",
      type: "module",
      sideEffects: false,
      engines: { node: ">=20" },
      exports: {
        ".": { types: "./core.d.ts", default: "./core.js" },
        "./core.wasm": "./core.wasm",
      },
      files: ["core.js", "core.d.ts", "core.wasm", "worker.js"],
    },
    null,
    2,
  ) + "\n";
}
