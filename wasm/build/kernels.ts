/**
 * Compile the AssemblyScript kernels: `assembly/` → `core.wasm`.
 *
 * @module
 */
import asc from "assemblyscript/asc";
import { rename, rm } from "node:fs/promises";
import { join, relative } from "@std/path";

// No runtime and no imports: the module is the same in every host.
const ASC_FLAGS = [
  "--runtime=stub",
  "--use=abort=",
  "--enable=simd",
  "--optimizeLevel=3",
  "--shrinkLevel=0",
  "--converge",
  "--noAssert",
  "--initialMemory=4",
  "--maximumMemory=65536",
  "--bindings=raw",
  "--pedantic",
];

/**
 * Compile the kernels and the types of their raw exports.
 *
 * @param wasm    folder that holds `assembly/`
 * @param folder  where `core.wasm` and `kernels.d.ts` are written
 * @throws {Error} with the compiler's messages
 */
export async function compileKernels(
  wasm: string,
  folder: string,
): Promise<void> {
  const { error, stderr } = await asc.main([
    "assembly/index.ts",
    "--baseDir",
    wasm,
    "--outFile",
    join(relative(wasm, folder), "kernels.wasm"),
    ...ASC_FLAGS,
  ]);
  if (error) throw new Error(`asc failed\n${stderr.toString()}`);
  // our own loader takes the place of the bindings; only their types are used
  await rm(join(folder, "kernels.js"));
  await rename(join(folder, "kernels.wasm"), join(folder, "core.wasm"));
}
