/**
 * The package in `wasm/dist/`: what other projects import.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import * as sources from "../wasm/mod.ts";

const DIST = new URL("../wasm/dist/", import.meta.url);
const CASE = new URL("../wasm/embed/case/", import.meta.url);

test("core.wasm is at most 60 kB gzipped and imports nothing", async () => {
  const bytes = await readFile(new URL("core.wasm", DIST));
  const module = await WebAssembly.compile(new Uint8Array(bytes));
  expect(gzipSync(bytes).length).toBeLessThanOrEqual(60_000);
  expect(WebAssembly.Module.imports(module)).toEqual([]);
});

test("core.js exports what mod.ts exports and finds core.wasm beside it", async () => {
  const bundle: typeof sources = await import(new URL("core.js", DIST).href);
  expect(Object.keys(bundle).sort()).toEqual(Object.keys(sources).sort());
  const core = await bundle.loadCore();
  const expected = await sources.loadCore();
  expect(Object.keys(core)).toEqual(Object.keys(expected));
});

test("core.js has no import but node: modules where they are used", async () => {
  const code = await readFile(new URL("core.js", DIST), "utf8");
  // esbuild leaves an import that it does not bundle at the start of a line
  expect(code).not.toMatch(/^\s*(import|export)\b[^;]*\bfrom\b/m);
  const dynamic = [...code.matchAll(/\bimport\(([^)]*)\)/g)].map(([, what]) =>
    what.match(/"(.*)"/)?.[1]
  );
  expect(dynamic).toEqual(["node:fs/promises", "node:worker_threads"]);
});

test("core.d.ts refers to no other file and declares every export", async () => {
  const types = await readFile(new URL("core.d.ts", DIST), "utf8");
  expect(types).not.toMatch(/\bfrom ["']|\bimport\(|<reference/);
  for (const name of Object.keys(sources)) {
    expect(types).toMatch(
      new RegExp(
        `^export declare (function|(abstract )?class|const) ${name}\\b`,
        "m",
      ),
    );
  }
});

test("core.d.ts documents every function of the core", async () => {
  const types = await readFile(new URL("core.d.ts", DIST), "utf8");
  const core = types.slice(types.indexOf("declare function createCore"));
  for (const name of Object.keys(await sources.loadCore())) {
    expect(core).toMatch(new RegExp(`\\*/\\n\\t${name}\\b`));
  }
});

test("core.js finds core.wasm and worker.js beside it in Node", async () => {
  const script = `
    import { readFileSync } from "node:fs";
    import { loadCore, loadPool } from ${
    JSON.stringify(new URL("core.js", DIST))
  };
    const read = (name) => new Float32Array(new Uint8Array(readFileSync(
      new URL(name, ${JSON.stringify(CASE)}))).buffer);
    const input = [read("flows.f32"), read("cellprob.f32"), { height: 224, width: 256 }];
    const core = await loadCore();
    const pool = await loadPool({ workers: 2 });
    const one = core.computeMasks(...input);
    const two = await pool.computeMasks(...input);
    pool.close();
    console.log(one.count, Buffer.compare(
      Buffer.from(one.masks.buffer), Buffer.from(two.masks.buffer)));
  `;
  const folder = await mkdtemp(join(tmpdir(), "cytoedge-node-"));
  const path = join(folder, "main.mjs");
  await writeFile(path, script);
  const { stdout } = await promisify(execFile)("node", [path])
    .finally(() => rm(folder, { recursive: true }));
  expect(stdout).toBe("38 0\n");
});

test("package.json names the files and needs no dependency", async () => {
  const text = await readFile(new URL("package.json", DIST), "utf8");
  const description = JSON.parse(text);
  expect(description).toMatchObject({
    name: "cytoedge-core",
    type: "module",
    license: "Apache-2.0",
  });
  expect(description).not.toHaveProperty("dependencies");
  for (const file of description.files) {
    await expect(readFile(new URL(file, DIST))).resolves.toBeDefined();
  }
});
