/**
 * Build what is missing in `wasm/dist/` or older than its sources.
 *
 *   deno task build            build what is out of date
 *   deno task build --force    build everything
 *
 *   core.wasm kernels.d.ts   the kernels, compiled from assembly/, and the
 *                            types of the raw exports (for arena.ts)
 *   core.js core.d.ts        mod.ts and what it imports, in one file each
 *   worker.js                a worker of the pool
 *   package.json LICENSE     so that the folder is a package
 *
 * The page goes to `edge/web/dist/`: `index.html` and its `assets/`.
 *
 * Every file is written beside its place and renamed: tasks that build at the
 * same time disturb neither one another nor a reader.
 *
 * @module
 */
import { dirname, fromFileUrl, join } from "@std/path";

const WASM = dirname(fromFileUrl(import.meta.url));
const ROOT = dirname(WASM);
const DIST = join(WASM, "dist");
const WEB = join(ROOT, "edge", "web");

/** What the build itself consists of: all is stale when these change. */
const RECIPE = [
  join(WASM, "build.ts"),
  join(WASM, "build"),
  join(ROOT, "deno.json"),
];

/**
 * One part of the build: it writes `outputs` into the folder it is given, and
 * loads its compiler only then (every task asks for a build first).
 */
interface Part {
  /** Where the outputs lie; default `wasm/dist/`. */
  readonly folder?: string;
  readonly outputs: readonly string[];
  readonly sources: readonly string[];
  write(folder: string): Promise<void>;
}

const HOST = [
  WASM,
  join(ROOT, "shared", "errors.ts"),
  join(ROOT, "shared", "ndarray.ts"),
];

const PARTS: readonly Part[] = [
  {
    outputs: ["core.wasm", "kernels.d.ts"],
    sources: [join(WASM, "assembly")],
    async write(folder) {
      const { compileKernels } = await import("./build/kernels.ts");
      await compileKernels(WASM, folder);
    },
  },
  {
    outputs: ["core.js", "worker.js", "package.json", "LICENSE"],
    sources: HOST,
    async write(folder) {
      const { bundleCode, describePackage } = await import("./build/code.ts");
      await bundleCode(join(WASM, "mod.ts"), join(folder, "core.js"));
      await bundleCode(join(WASM, "worker.ts"), join(folder, "worker.js"));
      const config = JSON.parse(
        await Deno.readTextFile(join(ROOT, "deno.json")),
      );
      await Deno.writeTextFile(
        join(folder, "package.json"),
        describePackage(config.version),
      );
      await Deno.copyFile(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
    },
  },
  {
    outputs: ["core.d.ts"],
    sources: HOST,
    async write(folder) {
      const { bundleTypes } = await import("./build/types.ts");
      await bundleTypes(join(WASM, "mod.ts"), join(folder, "core.d.ts"));
    },
  },
  {
    folder: join(WEB, "dist"),
    outputs: ["assets", "index.html"],
    sources: [...HOST, join(ROOT, "shared"), join(WASM, "assembly"), WEB],
    async write(folder) {
      const { bundlePage } = await import("./build/page.ts");
      await bundlePage({ web: WEB, core: join(DIST, "core.wasm") }, folder);
    },
  },
];

if (import.meta.main) {
  const isForced = Deno.args.includes("--force");
  for (const part of PARTS) {
    await Deno.mkdir(part.folder ?? DIST, { recursive: true });
    try {
      if (isForced || await isStale(part)) await build(part);
    } catch (err) {
      // what a compiler says matters, not where this script called it; the
      // other parts are built all the same
      const message = err instanceof Error ? err.message : String(err);
      await Deno.stderr.write(new TextEncoder().encode(`${message}\n`));
      Deno.exitCode = 1;
    }
  }
}

async function build(part: Part): Promise<void> {
  const started = new Date();
  const home = part.folder ?? DIST;
  const folder = await Deno.makeTempDir({ dir: home, prefix: ".build-" });
  try {
    await part.write(folder);
    for (const name of part.outputs) {
      // as old as the sources that were read: an edit since then is noticed
      await Deno.utime(join(folder, name), started, started);
      // a folder takes the place of none but an empty one
      if (await isFolder(join(folder, name))) {
        await moveFiles(join(folder, name), join(home, name));
      } else await Deno.rename(join(folder, name), join(home, name));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Move files into a folder and remove those that were there before. */
async function moveFiles(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  const names = new Set<string>();
  for await (const { name } of Deno.readDir(from)) {
    await Deno.rename(join(from, name), join(to, name));
    names.add(name);
  }
  for await (const { name } of Deno.readDir(to)) {
    // by another build, or by us a moment ago
    if (!names.has(name)) await Deno.remove(join(to, name)).catch(() => {});
  }
  const now = new Date();
  await Deno.utime(to, now, now);
}

async function isStale(part: Part): Promise<boolean> {
  const { outputs, sources, folder = DIST } = part;
  const built = await Promise.all(
    outputs.map((name) => modified(join(folder, name))),
  );
  const read = await Promise.all([...RECIPE, ...sources].map(newest));
  return Math.min(...built) < Math.max(...read);
}

/** The latest change of a file, or of the files in a folder; 0 if missing. */
async function newest(path: string): Promise<number> {
  if (!(await isFolder(path))) return await modified(path);
  let latest = 0;
  for await (const entry of Deno.readDir(path)) {
    // `dist` is what is built, `embed` uses it; kernels are the other part
    if (path === WASM && entry.isDirectory) continue;
    if (path === WEB && entry.name === "dist") continue;
    latest = Math.max(latest, await newest(join(path, entry.name)));
  }
  return latest;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path))?.isDirectory ?? false;
}

async function modified(path: string): Promise<number> {
  return (await stat(path))?.mtime?.getTime() ?? 0;
}

async function stat(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (err) {
    if (err instanceof Deno.errors.NotFound) return undefined;
    throw err;
  }
}
