/**
 * Size of the module, and how long a host waits for it.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { createCore } from "../../wasm/mod.ts";
import { time } from "./clock.ts";

export interface ModuleSize {
  readonly bytes: number;
  readonly gzipBytes: number;
  readonly compileMs: number;
  /** Of a compiled module, memory included. */
  readonly instantiateMs: number;
}

/**
 * Measure `core.wasm`.
 *
 * Call it before anything loads the core: engines keep compiled modules, so
 * only the first time is a host's.
 */
export async function measureModule(): Promise<ModuleSize> {
  const url = new URL("../../wasm/dist/core.wasm", import.meta.url);
  const bytes = new Uint8Array(await readFile(url));
  let module: WebAssembly.Module | undefined;
  const compileMs = time(() => module = new WebAssembly.Module(bytes));
  const instantiateMs = time(() => createCore(module!));
  return {
    bytes: bytes.length,
    gzipBytes: gzipSync(bytes, { level: 9 }).length,
    compileMs,
    instantiateMs,
  };
}
