/**
 * The project's version; `deno.json` is the one place that spells it.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };

export const VERSION: string = config.version;
