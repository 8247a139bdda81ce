/**
 * Where a case's checkpoint lies.
 *
 * @module
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";

const NAMES = ["checkpoint.pth", "checkpoint.safetensors"];

/** Path of a folder's checkpoint; null where it has none. */
export async function findCheckpoint(folder: string): Promise<string | null> {
  const files = await readdir(folder);
  const name = NAMES.find((candidate) => files.includes(candidate));
  return name === undefined ? null : join(folder, name);
}
