/**
 * Size of the module, and how long a host waits for it.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { createCore } from "../../wasm/mod.ts";
import { least } from "./clock.ts";

export interface ModuleSize {
  readonly bytes: number;
  readonly gzipBytes: number;
  readonly compileMs: number;
  /** Of a compiled module. */
  readonly instantiateMs: number;
}

/** Measure `core.wasm`; times are the least of ten. */
export async function measureModule(): Promise<ModuleSize> {
  const url = new URL("../../wasm/dist/core.wasm", import.meta.url);
  const bytes = new Uint8Array(await readFile(url));
  const module = new WebAssembly.Module(bytes);
  return {
    bytes: bytes.length,
    gzipBytes: gzipSync(bytes, { level: 9 }).length,
    compileMs: least(10, () => new WebAssembly.Module(bytes)),
    instantiateMs: least(10, () => createCore(module)),
  };
}
