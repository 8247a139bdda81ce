/**
 * Bundle the host API: `mod.ts` → `core.js`, and describe it as a package.
 *
 * @module
 */
import * as esbuild from "esbuild";
import { writeFile } from "node:fs/promises";

/** The module as the sources see it, and as the bundle beside it does. */
const FROM_SOURCES = `new URL("./dist/core.wasm", import.meta.url)`;
const FROM_BUNDLE = `new URL("./core.wasm", import.meta.url)`;

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
    // load.ts reads files with it, which a browser never does
    external: ["node:*"],
  });
  await esbuild.stop(); // its service would keep the process alive
  const [before, after, ...more] = outputFiles[0].text.split(FROM_SOURCES);
  if (more.length > 0) {
    throw new Error(`${entry} must hold ${FROM_SOURCES} at most once`);
  }
  const text = after === undefined ? before : before + FROM_BUNDLE + after;
  await writeFile(out, text);
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
