/**
 * The package in `wasm/dist/`: what other projects import.
 */
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import * as sources from "../wasm/mod.ts";

const DIST = new URL("../wasm/dist/", import.meta.url);

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

test("core.js has no import but node:fs/promises, for file URLs", async () => {
  const code = await readFile(new URL("core.js", DIST), "utf8");
  // esbuild leaves an import that it does not bundle at the start of a line
  expect(code).not.toMatch(/^\s*(import|export)\b[^;]*\bfrom\b/m);
  const dynamic = [...code.matchAll(/\bimport\(([^)]*)\)/g)].map(([, what]) =>
    what.match(/"(.*)"/)?.[1]
  );
  expect(dynamic).toEqual(["node:fs/promises"]);
});

test("core.d.ts refers to no other file and declares every export", async () => {
  const types = await readFile(new URL("core.d.ts", DIST), "utf8");
  expect(types).not.toMatch(/\bfrom ["']|\bimport\(|<reference/);
  for (const name of Object.keys(sources)) {
    expect(types).toMatch(
      new RegExp(`^export declare (function|class|const) ${name}\\b`, "m"),
    );
  }
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
