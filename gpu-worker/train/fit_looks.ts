/**
 * Count what looks at labelled images tell of their cells' diameter, with the
 * network as its users will run it.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { decodeImage } from "../../shared/image/decode.ts";
import { chooseChannels } from "../../shared/pipeline/channels.ts";
import type { Encoder } from "../../shared/pipeline/encoder.ts";
import { takeLooks } from "../../shared/pipeline/estimate_steps.ts";
import {
  countLooks,
  type KnownLook,
  type LookTableJson,
  writeTable,
} from "../../shared/pipeline/look_table.ts";
import { layOutPlanes } from "../../shared/pipeline/planes.ts";
import { normalizeRows } from "../../shared/pipeline/rows.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import type { Core } from "../../wasm/mod.ts";
import type { ScoredItem } from "./score_model.ts";

/** Images of a kind that are looked at, at most. */
const IMAGES_OF_KIND = 40;

/**
 * Look at images whose diameters are known.
 *
 * @param folder  of a model that tells diameters
 * @returns       for `model.json`; `undefined` without an image with cells
 */
export async function fitLooks(
  folder: string,
  items: readonly ScoredItem[],
  { core, openEncoder }: {
    readonly core: Core;
    readonly openEncoder: (folder: string) => Promise<Encoder>;
  },
): Promise<LookTableJson | undefined> {
  const encoder = await openEncoder(folder);
  try {
    const looks = await lookAtAll(core, encoder, items);
    return looks.length === 0 ? undefined : writeTable(countLooks(looks));
  } finally {
    await encoder.close();
  }
}

async function lookAtAll(
  core: Core,
  encoder: Encoder,
  items: readonly ScoredItem[],
): Promise<KnownLook[]> {
  const looks: KnownLook[] = [];
  const labelled = items.filter(({ facts }) => facts.diameter > 0);
  for (const kind of Map.groupBy(labelled, ({ file }) => file.kind).values()) {
    const step = Math.max(1, Math.floor(kind.length / IMAGES_OF_KIND));
    const chosen = kind.filter((_, i) => i % step === 0);
    // many images of a kind count more than few, but not by their number
    const weight = 1 / Math.sqrt(chosen.length);
    for (const { file, facts } of chosen) {
      for (const look of await lookAt(core, encoder, file.image)) {
        looks.push({ ...look, truth: facts.diameter * look.scale, weight });
      }
    }
  }
  return looks;
}

async function lookAt(core: Core, encoder: Encoder, path: string) {
  const { data, axes, shape } = await decodeImage(
    new Uint8Array(await readFile(path)),
    { limits: { maxRatio: Infinity } },
  );
  const parameters = SegmentParameters.parse({});
  const planes = layOutPlanes({ data, axes, shape });
  const plane = planes[planes.length >> 1];
  const image = { ...plane, axes, shape, depth: planes.length };
  const { sources } = chooseChannels(image, encoder.model, null);
  const { source } = normalizeRows(core, plane, sources, parameters);
  return await takeLooks(source, { core, encoder });
}
