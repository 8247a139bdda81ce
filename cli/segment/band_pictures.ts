/**
 * Images and flows that are read in bands to pictures.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { colorFlows } from "../../shared/image/flow_picture.ts";
import { findFlowRange } from "../../shared/image/flow_range.ts";
import { drawOutlines } from "../../shared/image/overlay.ts";
import { startOverlaySvg } from "../../shared/image/overlay_svg.ts";
import {
  rangeOfSample,
  sampleStep,
  toPicture,
} from "../../shared/image/picture.ts";
import { streamPng } from "../../shared/image/png_stream.ts";
import { streamTiff } from "../../shared/image/tiff_write.ts";
import { readPlanar } from "../../shared/pipeline/band_rows.ts";
import type { BandPlaneResult } from "../../shared/pipeline/segment_bands.ts";
import { createPace, takeTurns } from "../../wasm/mod.ts";
import { type BandPlaneContext, listBands } from "./band_context.ts";
import { type PartFile, writeParts } from "./part_file.ts";

/** Cellpose's networks give, and its files hold, flows of this length. */
const FLOW_SCALE = 5;

/** Outlines: Cellpose's red. */
const RED = { color: [255, 0, 0] } as const;

/** Flows of a plane, band by band, 2×n f32. */
export async function* flowBands(
  { output: { store }, size: { height, width } }: BandPlaneResult,
): AsyncGenerator<Float32Array> {
  for (const [top, rows] of listBands({ height, width })) {
    await takeTurns();
    const length = rows * width;
    const flows = new Float32Array(2 * length);
    store.readInto(top * width, flows.subarray(0, length));
    store.readInto((height + top) * width, flows.subarray(length));
    yield flows;
  }
}

/** Cell probabilities, flows as colors, and flows, as TIFF. */
export async function writeFlows(
  { folder, plane, names }: BandPlaneContext,
): Promise<string[]> {
  const { output: { store }, size: { height, width } } = plane;
  const pixels = height * width;
  const floats = new Float32Array(0);
  const pace = createPace();
  const read = async (page: number, top: number, count: number) => {
    await pace(count * width);
    return store.read(page * pixels + top * width, count * width);
  };
  await writeParts(join(folder, names.cellprob), (file) =>
    streamTiff({
      axes: "YX",
      shape: [height, width],
      like: floats,
      readRows: (_, top, count) => read(2, top, count),
    }, file.writeAt));
  // networks that tell classes have no flows
  if (!plane.hasFlows) return [names.cellprob];
  const range = await findFlowRange(pixels, () => flowBands(plane));
  await writeParts(join(folder, names.flows), (file) =>
    streamTiff({
      axes: "YXC",
      shape: [height, width, 3],
      like: new Uint8Array(0),
      readRows: async (_, top, count) => {
        const length = count * width;
        const flows = new Float32Array(2 * length);
        flows.set(await read(0, top, count));
        flows.set(await read(1, top, count), length);
        return colorFlows(flows, range);
      },
    }, file.writeAt));
  await writeParts(join(folder, names.flowField), (file) =>
    streamTiff({
      axes: "CYX",
      shape: [2, height, width],
      like: floats,
      readRows: async (page, top, count) =>
        (await read(page, top, count)).map((value) => FLOW_SCALE * value),
    }, file.writeAt));
  return [names.cellprob, names.flows, names.flowField];
}

/** The image in colors with red outlines. */
export async function writeOutlinesPng(
  context: BandPlaneContext,
): Promise<string[]> {
  const { folder, plane: { masks, size }, names } = context;
  const { height, width } = size;
  const draw = await createPictureRows(context);
  await writeParts(join(folder, names.outlinesPng), (file) =>
    streamPng({
      size,
      channels: 3,
      isWide: false,
      readRows: async (top, count) => {
        await takeTurns();
        // a row more on each side tells which labels end there
        const from = Math.max(0, top - 1);
        const rows = Math.min(height, top + count + 1) - from;
        const picture = {
          data: await draw(from, rows),
          height: rows,
          width,
        };
        const labels = masks.read(from * width, rows * width);
        const { data } = drawOutlines(picture, labels, RED);
        const begin = (top - from) * width * 3;
        return data.subarray(begin, begin + count * width * 3);
      },
    }, file.append));
  return [names.outlinesPng];
}

/** Outlines over the image as SVG. */
export async function writeOverlaySvg(
  context: BandPlaneContext,
): Promise<string[]> {
  const { core, folder, plane, names } = context;
  const { size } = plane;
  const draw = await createPictureRows(context);
  const rings = await core.traceStored(plane);
  const { open, image, close } = startOverlaySvg(rings, size);
  await writeParts(join(folder, names.overlaySvg), async (file) => {
    file.append(`${open}${image[0]}data:image/png;base64,`);
    const text = appendBase64(file);
    await streamPng({
      size,
      channels: 3,
      isWide: false,
      readRows: async (top, count) => {
        await takeTurns();
        return await draw(top, count);
      },
    }, text.append);
    text.end();
    file.append(image[1] + close);
  });
  return [names.overlaySvg];
}

/** Rows of the plane's image in colors: those of `toPicture`. */
async function createPictureRows(
  { core, image, index }: BandPlaneContext,
): Promise<(top: number, count: number) => Promise<Uint8Array>> {
  const { size, channels } = image;
  const { width } = size;
  const plane = {
    size,
    channels,
    isInteger: !image.dtype.startsWith("float"),
    readBand: (top: number, count: number) => image.readBand(index, top, count),
  };
  const readRows = async (top: number, count: number) =>
    core.toInterleaved(
      await readPlanar(core, plane, top, count),
      { height: count, width, channels },
    );
  const rowValues = width * channels;
  const step = sampleStep(size.height * rowValues);
  const sample: number[] = [];
  for (const [top, count] of listBands(size)) {
    await takeTurns();
    const rows = await readRows(top, count);
    const begin = top * rowValues;
    const first = Math.ceil(begin / step) * step - begin;
    for (let i = first; i < rows.length; i += step) sample.push(rows[i]);
  }
  const range = rangeOfSample(sample);
  return async (top, count) =>
    toPicture({
      data: await readRows(top, count),
      size: { height: count, width },
      channels,
    }, { range }).data;
}

/** Base64 of bytes that come bit by bit: three bytes are four characters. */
function appendBase64(file: PartFile) {
  let rest = new Uint8Array(0);
  return {
    append(bytes: Uint8Array) {
      const all = Buffer.concat([rest, bytes]);
      const whole = all.length - all.length % 3;
      file.append(all.subarray(0, whole).toString("base64"));
      rest = Uint8Array.from(all.subarray(whole));
    },
    end: () => file.append(Buffer.from(rest).toString("base64")),
  };
}
