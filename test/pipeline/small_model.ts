/** The trained small Cellpose-SAM of `test/fixtures/end_to_end`, imported. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { importModel } from "../../gpu-worker/import/import_model.ts";
import { decodeNpy } from "../../shared/image/npy.ts";

const FIXTURE = fileURLToPath(
  new URL("../fixtures/end_to_end/", import.meta.url),
);

/** Import it into a fresh temporary folder. */
export function importSmallModel(): { folder: string; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), "model-"));
  const checkpoint = join(root, "checkpoint.pth");
  const packed = readFileSync(join(FIXTURE, "checkpoint.pth.gz"));
  writeFileSync(checkpoint, gunzipSync(packed));
  const folder = join(root, "small");
  importModel(checkpoint, folder, { licence: "Apache-2.0" });
  return { folder, remove: () => rmSync(root, { recursive: true }) };
}

/** Read a recorded array of the peer. */
export function readRecorded(name: string) {
  const packed = readFileSync(join(FIXTURE, `${name}.npy.gz`));
  return decodeNpy(new Uint8Array(gunzipSync(packed)));
}

/** Read the list of recorded cases. */
export function readCases(): RecordedCase[] {
  return JSON.parse(readFileSync(join(FIXTURE, "cases.json"), "utf8"));
}

/** One run of Cellpose's `eval`. */
export interface RecordedCase {
  readonly name: string;
  /** Options of `eval`. */
  readonly options: Readonly<Record<string, number | boolean>>;
  /** Every how many rows and columns dP and cellprob are kept. */
  readonly step: number;
}
