/**
 * `info [--json]`: version, size of the core and what runs it.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { loadCore } from "../wasm/mod.ts";
import { printLine } from "./print.ts";
import { VERSION } from "../shared/version.ts";

// (module (func (result v128) (v128.const 0 …))): valid only where SIMD is
const SIMD_PROBE = Uint8Array.from([
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...[1, 5, 1, 96, 0, 1, 123],
  ...[3, 2, 1, 0],
  ...[10, 22, 1, 20, 0, 253, 12, ...new Array(16).fill(0), 11],
]);

/** Print what runs here. */
export async function info(
  { json = false }: { json?: boolean } = {},
): Promise<void> {
  const bytes = await readFile(
    new URL("../wasm/dist/core.wasm", import.meta.url),
  );
  const start = performance.now();
  const core = await loadCore(new Uint8Array(bytes));
  const facts = {
    version: VERSION,
    coreBytes: bytes.length,
    coreGzipBytes: gzipSync(bytes, { level: 9 }).length,
    coreLoadMs: Math.round((performance.now() - start) * 10) / 10,
    coreMemoryBytes: core.memoryBytes(),
    simd: WebAssembly.validate(SIMD_PROBE),
    runtime: describeRuntime(),
    platform: `${process.platform} ${process.arch}`,
  };
  if (json) return printLine(JSON.stringify(facts));
  for (const [name, value] of Object.entries(facts)) {
    printLine(`${name.padEnd(16)} ${value}`);
  }
}

function describeRuntime(): string {
  const { deno, bun, node, v8 } = process.versions as Record<string, string>;
  if (deno) return `Deno ${deno} (V8 ${v8})`;
  return bun ? `Bun ${bun}` : `Node ${node} (V8 ${v8})`;
}
