/**
 * Results in stores to Cellpose's `_seg.npy`.
 *
 * @module
 */
import { join } from "node:path";
import { colorFlows } from "../../shared/image/flow_picture.ts";
import { findFlowRange } from "../../shared/image/flow_range.ts";
import { outputNames } from "../../shared/image/names.ts";
import { streamSegNpy } from "../../shared/image/seg_npy_write.ts";
import type { BandPlaneResult } from "../../shared/pipeline/segment_bands.ts";
import { type Store, takeTurns } from "../../wasm/mod.ts";
import { type BandContext, listBands } from "./band_context.ts";
import { flowBands } from "./band_pictures.ts";
import { writeParts } from "./part_file.ts";

type LabelStore = Store<Uint32Array<ArrayBuffer>>;

/** Labels and outlines of all planes; flows of a single one. */
export async function writeSeg(context: BandContext): Promise<string[]> {
  const { stem, folder, fileName: filename, result } = context;
  const { planes, size, facts: { diameter } } = result;
  const name = outputNames(stem).seg;
  const [plane] = planes;
  const outlines: LabelStore[] = [];
  for (const each of planes) outlines.push(await drawOutlines(context, each));
  const count = Math.max(...planes.map((each) => each.count));
  const narrow = (rows: Uint32Array) =>
    count > 0xffff ? Uint32Array.from(rows) : Uint16Array.from(rows);
  async function* rowsOf(stores: readonly LabelStore[]) {
    for (const store of stores) {
      for (const [top, rows] of listBands(size)) {
        await takeTurns();
        yield narrow(store.read(top * size.width, rows * size.width));
      }
    }
  }
  const parts = streamSegNpy({
    size: planes.length > 1 ? { depth: planes.length, ...size } : size,
    filename,
    count,
    masks: () => rowsOf(planes.map(({ masks }) => masks)),
    outlines: () => rowsOf(outlines),
    ...(planes.length > 1 || !plane.hasFlows
      ? {}
      : { flows: await readFlows(plane) }),
    ...(diameter === null ? {} : { diameter }),
  });
  await writeParts(join(folder, name), async (file) => {
    for await (const part of parts) file.append(part);
  });
  return [name];
}

/** Labels on their outlines, 0 elsewhere. */
async function drawOutlines(
  { core, stores }: BandContext,
  plane: BandPlaneResult,
): Promise<LabelStore> {
  const { height, width } = plane.size;
  const store = stores.createLabels(height * width);
  for await (const { labels, from, to, masks } of core.cutLabels(plane)) {
    const lines = core.outlines(masks, { height: to - from, width });
    const rows = store.read(from * width, masks.length);
    for (const [i, isLine] of lines.entries()) {
      if (isLine) rows[i] = labels[masks[i] - 1];
    }
    store.write(from * width, rows);
  }
  return store;
}

async function readFlows(plane: BandPlaneResult) {
  const { output: { store }, size } = plane;
  const pixels = size.height * size.width;
  const bands = () => flowBands(plane);
  const range = await findFlowRange(pixels, bands);
  const read = function* (channel: number) {
    for (const [top, rows] of listBands(size)) {
      const at = channel * pixels + top * size.width;
      yield store.read(at, rows * size.width);
    }
  };
  return {
    rgb: async function* () {
      for await (const flows of bands()) yield colorFlows(flows, range);
    },
    flows: function* () {
      for (const channel of [0, 1]) yield* read(channel);
    },
    cellprob: () => read(2),
  };
}
