/**
 * The one core of a worker.
 *
 * @module
 */
import { type Core, loadCore } from "../../../wasm/mod.ts";

/** Where `core.wasm` is served; the build sets it. */
declare const CORE_URL: string;

let loaded: Promise<Core> | undefined;

/** The core, loaded when it is first needed. */
export function openCore(): Promise<Core> {
  loaded ??= loadCore(new URL(CORE_URL, globalThis.location.href));
  return loaded;
}
