/**
 * Bundle the host API's declarations: `mod.ts` → `core.d.ts`.
 *
 * @module
 */
import { generateDtsBundle } from "dts-bundle-generator";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "@std/path";

/**
 * Bundle the declarations into one file that refers to no other.
 *
 * @throws {Error} where the sources have errors of type, after printing them
 */
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
