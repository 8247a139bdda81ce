/**
 * Build `wasm/dist/` when it is missing or older than its sources.
 *
 *   deno task build            build what is out of date
 *   deno task build --force    build anyway
 *
 * @module
 */
import asc from "assemblyscript/asc";
import { dirname, fromFileUrl, join } from "@std/path";

const HERE = dirname(fromFileUrl(import.meta.url));
const DIST = join(HERE, "dist");

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

if (import.meta.main) {
  const isForced = Deno.args.includes("--force");
  if (isForced || await isStale()) await build();
}

async function build(): Promise<void> {
  await Deno.mkdir(DIST, { recursive: true });
  const { error, stderr } = await asc.main([
    "assembly/index.ts",
    "--baseDir",
    HERE,
    "--outFile",
    "dist/kernels.wasm",
    ...ASC_FLAGS,
  ]);
  if (error) {
    await Deno.stderr.write(new TextEncoder().encode(stderr.toString()));
    Deno.exit(1);
  }
  // kernels.d.ts types the raw exports; the module itself is core.wasm
  await Deno.remove(join(DIST, "kernels.js"));
  await Deno.rename(join(DIST, "kernels.wasm"), join(DIST, "core.wasm"));
}

async function isStale(): Promise<boolean> {
  const built = await modified(join(DIST, "core.wasm"));
  if (built === 0) return true;
  if (await modified(join(HERE, "build.ts")) > built) return true;
  return await newestSource(HERE) > built;
}

async function newestSource(folder: string): Promise<number> {
  let newest = 0;
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name === "dist" || entry.name === "embed") continue;
    const path = join(folder, entry.name);
    const at = entry.isDirectory
      ? await newestSource(path)
      : await modified(path);
    newest = Math.max(newest, at);
  }
  return newest;
}

async function modified(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).mtime?.getTime() ?? 0;
  } catch (err) {
    if (err instanceof Deno.errors.NotFound) return 0;
    throw err;
  }
}
