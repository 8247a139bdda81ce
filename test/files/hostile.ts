/**
 * Files that mean harm, made on the spot: bombs, cuts, lies, cycles, pickles
 * that call, names that lead out of a zip.
 *
 * @module
 */
import type { HostileFile } from "./build_files.ts";
import { BOMBS } from "./hostile_bombs.ts";
import { CODE } from "./hostile_code.ts";
import { LIES } from "./hostile_lies.ts";

/** Each must end in a typed error. */
export const HOSTILE: readonly HostileFile[] = [...BOMBS, ...LIES, ...CODE];
