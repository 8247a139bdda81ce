/** The core as the tests use it: one instance for a test file. */
import { loadCore } from "../wasm/mod.ts";

export const core = await loadCore();
