/**
 * A teacher's answers to the images: flows and logits that a smaller network
 * learns from.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeImage } from "../../shared/image/decode.ts";
import { encodeNpy } from "../../shared/image/npy.ts";
import { decodeLabels } from "../../shared/image/read_labels.ts";
import { isVolume } from "../../shared/ndarray.ts";
import type { Encoder } from "../../shared/pipeline/encoder.ts";
import { segment } from "../../shared/pipeline/segment.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import type { Core } from "../../wasm/mod.ts";
import type { ItemFile } from "./find_items.ts";
import type { TeacherField } from "./read_item.ts";
import { writeWhole } from "./train_model.ts";

const LIMITS = { maxRatio: Infinity };

/**
 * Ask the teacher about every image; what was answered before is kept.
 *
 * Where an image has labels the teacher is told their diameter.
 *
 * @param folder  for the answers, one npy an image: 3×H×W f32 (dY, dX at unit
 *                scale, logit)
 * @returns       by item name
 */
export async function askTeacher(
  files: readonly ItemFile[],
  { core, encoder, folder, say }: {
    core: Core;
    encoder: Encoder;
    folder: string;
    say: (line: string) => void;
  },
): Promise<Record<string, TeacherField>> {
  mkdirSync(folder, { recursive: true });
  const fields: Record<string, TeacherField> = {};
  for (const [i, file] of files.entries()) {
    const key = createHash("sha256").update(`${encoder.digest} ${file.name}`)
      .digest("hex").slice(0, 24);
    const path = join(folder, `${key}.npy`);
    const facts = join(folder, `${key}.json`);
    if (existsSync(facts)) {
      fields[file.name] = JSON.parse(readFileSync(facts, "utf8"));
      continue;
    }
    const answer = await askOne(file, { core, encoder });
    await writeFile(`${path}.part`, answer.npy);
    await rename(`${path}.part`, path);
    const { diameter, cells } = answer;
    fields[file.name] = { path, diameter, cells };
    writeWhole(facts, JSON.stringify(fields[file.name]));
    if ((i + 1) % 20 === 0) say(`the teacher answered ${i + 1} images`);
  }
  return fields;
}

async function askOne(
  file: ItemFile,
  { core, encoder }: { core: Core; encoder: Encoder },
) {
  const { data, axes, shape } = await decodeImage(
    new Uint8Array(await readFile(file.image)),
    { limits: LIMITS },
  );
  const diameter = await knownDiameter(core, file);
  const result = await segment(
    { data, axes, shape },
    SegmentParameters.parse(diameter === null ? {} : { diameter }),
    { core, encoders: [encoder] },
  );
  const [{ flows, cellprob, size }] = result.planes;
  const field = new Float32Array(3 * cellprob.length);
  field.set(flows);
  field.set(cellprob, 2 * cellprob.length);
  return {
    npy: encodeNpy(field, [3, size.height, size.width]),
    diameter: result.facts.medianDiameter,
    cells: result.count,
  };
}

async function knownDiameter(
  core: Core,
  { labels }: ItemFile,
): Promise<number | null> {
  if (labels === undefined) return null;
  const bytes = new Uint8Array(await readFile(labels));
  // what is wrong with the labels is said when they are surveyed
  const read = await decodeLabels(bytes, { limits: LIMITS })
    .catch(() => undefined);
  if (read === undefined || isVolume(read.size)) return null;
  const { diameter } = core.estimateDiameter(read.masks, read.size);
  return diameter > 0 ? diameter : null;
}
