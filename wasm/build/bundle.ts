/**
 * Bundle the host API: `mod.ts` → `core.js`, `core.d.ts`, `package.json`.
 *
 * @module
 */
import { generateDtsBundle } from "dts-bundle-generator";
import * as esbuild from "esbuild";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "@std/path";

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
  if (after === undefined || more.length > 0) {
    throw new Error(`${entry} must hold ${FROM_SOURCES} exactly once`);
  }
  await writeFile(out, before + FROM_BUNDLE + after);
}

/** Bundle the declarations: one file that refers to no other. */
export async function bundleTypes(entry: string, out: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cytoedge-types-"));
  try {
    // `node:` modules are used inside only, so their types do not matter
    const node = join(folder, "types", "node");
    await mkdir(node, { recursive: true });
    await writeFile(join(node, "index.d.ts"), `declare module "node:*";\n`);
    const config = join(folder, "tsconfig.json");
    await writeFile(
      config,
      JSON.stringify({
        files: [entry],
        compilerOptions: {
          strict: true,
          exactOptionalPropertyTypes: true,
          target: "es2022",
          lib: ["esnext", "dom", "dom.iterable"],
          module: "esnext",
          moduleResolution: "bundler",
          allowImportingTsExtensions: true,
          noEmit: true,
          typeRoots: [join(folder, "types")],
          types: ["node"],
        },
      }),
    );
    const [types] = generateDtsBundle(
      [{ filePath: entry, output: { noBanner: true } }],
      { preferredConfigPath: config },
    );
    await writeFile(out, types);
  } finally {
    await rm(folder, { recursive: true });
  }
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
      files: ["core.js", "core.d.ts", "core.wasm"],
    },
    null,
    2,
  ) + "\n";
}
