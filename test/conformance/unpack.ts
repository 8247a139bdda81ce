/**
 * Unpack the recorded results of `test/fixtures/golden` as the conformance
 * command reads them.
 *
 * @module
 */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const GOLDEN = fileURLToPath(new URL("../fixtures/golden/", import.meta.url));

/**
 * Unpack cases into a fresh temporary folder.
 *
 * @param ids  `kind/case`; all cases by default
 * @returns    the folder
 */
export function unpack(ids: readonly string[] = listCases()): string {
  const target = mkdtempSync(join(tmpdir(), "conformance-"));
  for (const id of ids) {
    mkdirSync(join(target, id), { recursive: true });
    for (const file of readdirSync(join(GOLDEN, id))) {
      const bytes = readFileSync(join(GOLDEN, id, file));
      const isPacked = file.endsWith(".gz");
      writeFileSync(
        join(target, id, isPacked ? file.slice(0, -3) : file),
        isPacked ? gunzipSync(bytes) : bytes,
      );
    }
  }
  return target;
}

/** Every packed case, as `kind/case`. */
export function listCases(): string[] {
  return foldersOf(GOLDEN).flatMap((kind) =>
    foldersOf(join(GOLDEN, kind)).map((name) => `${kind}/${name}`)
  );
}

function foldersOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();
}
