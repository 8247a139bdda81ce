/**
 * A zip of a model's folder, as `import` or `train` wrote it, to a folder.
 *
 * @module
 */
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CorruptImageError } from "../shared/errors.ts";
import { ModelJson } from "../shared/schema/model.ts";
import type { ZipEntry } from "./import/read_zip.ts";

const DESCRIPTION = "model.json";
/** Stored entries are copied in pieces. */
const PIECE_BYTES = 2 ** 26;

/**
 * Unpack what `model.json` names, and nothing else.
 *
 * @returns  whether the archive holds a model; a checkpoint of PyTorch is a
 *           zip, too
 * @throws {CorruptImageError} if a file is missing or the description broken
 */
export function unpackModel(
  entries: ReadonlyMap<string, ZipEntry>,
  folder: string,
): boolean {
  const found = [...entries.keys()].filter((name) =>
    basename(name) === DESCRIPTION && name.split("/").length <= 2
  );
  if (found.length !== 1) return false;
  const entry = entries.get(found[0]) as ZipEntry;
  const text = new TextDecoder().decode(entry.read());
  const home = dirname(found[0]);
  mkdirSync(folder, { recursive: true });
  for (const { name } of readDescription(text).networks.flatMap(filesOf)) {
    const file = entries.get(home === "." ? name : `${home}/${name}`);
    if (file === undefined) {
      throw new CorruptImageError("zip", `${DESCRIPTION} names ${name}`);
    }
    copy(file, join(folder, name));
  }
  copy(entry, join(folder, DESCRIPTION));
  return true;
}

const filesOf = ({ files }: ModelJson["networks"][number]) => files;

function readDescription(text: string): ModelJson {
  try {
    return ModelJson.parse(JSON.parse(text));
  } catch (cause) {
    const detail = `${DESCRIPTION} is not what \`import\` writes`;
    throw new CorruptImageError("zip", detail, { cause });
  }
}

function copy(entry: ZipEntry, path: string): void {
  const file = openSync(path, "w");
  try {
    for (let at = 0; at < entry.size; at += PIECE_BYTES) {
      const piece = Math.min(PIECE_BYTES, entry.size - at);
      writeSync(file, entry.read(at, piece));
    }
  } finally {
    closeSync(file);
  }
}
