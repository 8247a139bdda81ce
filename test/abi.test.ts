/**
 * The page about the raw interface: complete, true, and not stale.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ABI_PAGE, readExports, renderPage } from "../wasm/build/abi.ts";
import { core } from "./core.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const cache = env.CYTOEDGE_CACHE ?? join(homedir(), ".cache", "cytoedge");
const python = join(cache, "python", "bin", "python");

const exports = await readExports();

test("docs/abi.md is what `deno task abi` writes", async () => {
  const page = await readFile(ABI_PAGE, "utf8");
  expect(page === await renderPage(), "run `deno task abi`").toBe(true);
});

test("the page has every function that the module exports, and no other", () => {
  const functions = WebAssembly.Module.exports(core.module)
    .filter(({ kind }) => kind === "function")
    .map(({ name }) => name);
  expect(exports.map(({ name }) => name).sort()).toEqual(functions.sort());
});

test("every export's text names its parameters", () => {
  const unnamed = exports.flatMap(({ name, parameters, doc, head }) =>
    parameters.filter((parameter) =>
      !new RegExp(`\\b${parameter.name}\\b`).test(`${doc}\n${head}`)
    ).map((parameter) => `${name} ${parameter.name}`)
  );
  expect(unnamed).toEqual([]);
});

test("types in signatures are those that the page explains", () => {
  const known = ["usize", "i32", "u32", "f32", "f64", "bool", "void"];
  const types = exports.flatMap(({ parameters, result }) => [
    ...parameters.map(({ type }) => type),
    result,
  ]);
  expect(types.filter((type) => !known.includes(type))).toEqual([]);
});

test.skipIf(!existsSync(python) && env.CYTOEDGE_EMBED !== "1")(
  "the page's example runs (needs `deno task embed --install`)",
  async () => {
    const page = await readFile(ABI_PAGE, "utf8");
    const example = page.match(/^```python\n(.*?)^```/ms)?.[1] ?? "";
    const printed = execFileSync(python, ["-c", example], {
      cwd: ROOT,
      encoding: "utf8",
    });
    expect(printed).toMatch(/^38\n\(\d+, \d+, \d+, \d+, \d+\)\n$/);
  },
);
