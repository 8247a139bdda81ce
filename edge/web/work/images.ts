/**
 * Images that are open: decoded, in levels, drawn tile by tile.
 *
 * @module
 */
import { decodeImage } from "../../../shared/image/decode.ts";
import type { DecodedArray } from "../../../shared/image/decoded.ts";
import type { PixelArray } from "../../../shared/image/types.ts";
import { layOutPlanes, type Plane } from "../../../shared/pipeline/planes.ts";
import { levelSize, TILE } from "../view/geometry.ts";
import { type ChannelLook, firstColor, tint } from "../view/tint.ts";
import { imageFromRgba } from "./rgba.ts";

/** An open image. */
interface Open {
  readonly decoded: DecodedArray;
  readonly planes: readonly Plane[];
  /** By plane and channel: levels from 1 on. */
  readonly levels: Map<string, PixelArray[]>;
}

const open = new Map<string, Open>();

/** Values looked at for a channel's contrast. */
const SAMPLE = 65536;
const BINS = 64;

/** Decode a file and keep it under an id. */
export async function openFile(
  { id, bytes }: { id: string; bytes: Uint8Array },
) {
  const decoded = await decodeImage(bytes);
  const planes = layOutPlanes(decoded);
  open.set(id, { decoded, planes, levels: new Map() });
  return describe(id);
}

/** Keep pixels that are made here under an id, as an open image. */
export function openPixels(
  { id, data, size }: {
    id: string;
    data: PixelArray;
    size: { height: number; width: number };
  },
) {
  const decoded: DecodedArray = {
    data,
    axes: "YX",
    shape: [size.height, size.width],
    dtype: "uint16",
    format: "tiff",
    axesInferred: false,
    warnings: [],
  };
  open.set(id, { decoded, planes: layOutPlanes(decoded), levels: new Map() });
  return describe(id);
}

/** Forget an image. */
export function closeImage({ id }: { id: string }): void {
  open.delete(id);
}

function describe(id: string) {
  const { decoded, planes } = find(id);
  const { axes, shape, dtype, format, channelNames, warnings, pixelSize } =
    decoded;
  const [{ size, channels }] = planes;
  return {
    id,
    size,
    channels,
    planes: planes.length,
    axes,
    shape: [...shape],
    dtype,
    format,
    channelNames: channelNames ? [...channelNames] : [],
    warnings: [...warnings],
    ...(pixelSize ? { pixelSize } : {}),
    looks: Array.from(
      { length: channels },
      (_, c) => firstLook(planes[planes.length >> 1], c),
    ),
  };
}

/** What is known of an open image. */
export type ImageFacts = ReturnType<typeof describe>;

/** Contrast from percentiles, and a histogram to choose it by. */
function firstLook(plane: Plane, channel: number) {
  const { data, starts, step, size, channels } = plane;
  const pixels = size.height * size.width;
  const stride = Math.max(1, Math.ceil(pixels / SAMPLE));
  const values: number[] = [];
  for (let i = 0; i < pixels; i += stride) {
    const value = data[starts[channel] + i * step];
    if (Number.isFinite(value)) values.push(value);
  }
  values.sort((a, b) => a - b);
  const at = (part: number) =>
    values[Math.floor((values.length - 1) * part)] ?? 0;
  const [min, max] = [at(0), at(1)];
  const isPicture = data instanceof Uint8Array && channels >= 3;
  const [low, high] = isPicture ? [0, 255] : [at(0.01), at(0.998)];
  const bins = new Uint32Array(BINS);
  for (const value of values) {
    const bin = max > min ? (value - min) / (max - min) * BINS : 0;
    bins[Math.min(BINS - 1, Math.floor(bin))]++;
  }
  const look: ChannelLook = {
    isShown: true,
    color: firstColor(channel, channels),
    low,
    high: high > low ? high : max > low ? max : low + 1,
    gamma: 1,
  };
  return { look, min, max, bins };
}

/** Draw one tile. */
export async function drawTile(
  { id, plane, level, column, row, looks }: {
    id: string;
    plane: number;
    level: number;
    column: number;
    row: number;
    looks: readonly ChannelLook[];
  },
): Promise<ImageBitmap> {
  const { planes } = find(id);
  const { size } = planes[plane];
  const whole = levelSize(size, level);
  const [x0, y0] = [column * TILE, row * TILE];
  const width = Math.min(TILE, whole.width - x0);
  const height = Math.min(TILE, whole.height - y0);
  const channels = looks.map((look, c) =>
    look.isShown
      ? readBox(levelOf(id, { plane, channel: c, level }), {
        x0,
        y0,
        width,
        height,
        stride: whole.width,
      })
      : []
  );
  // a hidden channel is empty: its length must not decide the size
  const shown = channels.map((each) =>
    each.length > 0 ? each : new Uint8Array(width * height)
  );
  return await imageFromRgba(tint(shown, looks), width, height);
}

/** A small picture of an image, for lists. */
export async function drawThumbnail(
  { id, edge }: { id: string; edge: number },
): Promise<ImageBitmap> {
  const { planes } = find(id);
  const plane = planes.length >> 1;
  const { size, channels } = planes[plane];
  const longest = Math.max(size.height, size.width);
  const level = Math.max(0, Math.floor(Math.log2(longest / edge)));
  const { width, height } = levelSize(size, level);
  const looks = Array.from(
    { length: channels },
    (_, c) => firstLook(planes[plane], c).look,
  );
  const values = looks.map((_, channel) => {
    const { values, step, start } = levelOf(id, { plane, channel, level });
    if (step === 1) return values.subarray(start, start + width * height);
    return Float32Array.from(
      { length: width * height },
      (_, i) => values[start + i * step],
    );
  });
  const whole = await imageFromRgba(tint(values, looks), width, height);
  const factor = edge / Math.max(width, height);
  return await createImageBitmap(whole, {
    resizeWidth: Math.max(1, Math.round(width * factor)),
    resizeHeight: Math.max(1, Math.round(height * factor)),
    resizeQuality: "medium",
  });
}

/** All channels of a plane, C×H×W in the file's type. */
export function readPlane({ id, plane }: { id: string; plane: number }) {
  const { planes, decoded } = find(id);
  const { data, size, channels, starts, step } = planes[plane];
  const pixels = size.height * size.width;
  const out = new (data.constructor as Uint8ArrayConstructor)(
    channels * pixels,
  ) as PixelArray;
  for (const [c, start] of starts.entries()) {
    if (step === 1) {
      out.set(data.subarray(start, start + pixels), c * pixels);
      continue;
    }
    for (let i = 0; i < pixels; i++) {
      out[c * pixels + i] = data[start + i * step];
    }
  }
  const { height, width } = size;
  return {
    data: out,
    size,
    channels,
    axes: "CYX",
    shape: [channels, height, width],
    channelNames: decoded.channelNames ? [...decoded.channelNames] : [],
  };
}

function find(id: string): Open {
  const image = open.get(id);
  if (image === undefined) throw new Error(`The image ${id} is not open`);
  return image;
}

/** Values of a channel at a level; each level halves the one before. */
function levelOf(
  id: string,
  { plane, channel, level }: { plane: number; channel: number; level: number },
): { values: PixelArray; start: number; step: number } {
  const { planes, levels } = find(id);
  const { data, starts, step, size } = planes[plane];
  if (level === 0) return { values: data, start: starts[channel], step };
  const key = `${plane}/${channel}`;
  const known = levels.get(key) ?? [];
  levels.set(key, known);
  for (let l = known.length + 1; l <= level; l++) {
    const from = l === 1
      ? { values: data, start: starts[channel], step }
      : { values: known[l - 2], start: 0, step: 1 };
    known.push(halve(from, levelSize(size, l - 1)));
  }
  return { values: known[level - 1], start: 0, step: 1 };
}

function halve(
  { values, start, step }: { values: PixelArray; start: number; step: number },
  { height, width }: { height: number; width: number },
): PixelArray {
  const target = levelSize({ height, width }, 1);
  const out = new (values.constructor as Uint8ArrayConstructor)(
    target.height * target.width,
  ) as PixelArray;
  for (let y = 0, to = 0; y < target.height; y++) {
    const top = start + 2 * y * width * step;
    const bottom = 2 * y + 1 < height ? top + width * step : top;
    for (let x = 0; x < target.width; x++, to++) {
      const left = 2 * x * step;
      const right = 2 * x + 1 < width ? left + step : left;
      out[to] = (values[top + left] + values[top + right] +
        values[bottom + left] + values[bottom + right]) / 4;
    }
  }
  return out;
}

function readBox(
  { values, start, step }: { values: PixelArray; start: number; step: number },
  box: {
    x0: number;
    y0: number;
    width: number;
    height: number;
    stride: number;
  },
): Float32Array {
  const { x0, y0, width, height, stride } = box;
  const out = new Float32Array(width * height);
  for (let y = 0, to = 0; y < height; y++) {
    let from = start + ((y0 + y) * stride + x0) * step;
    for (let x = 0; x < width; x++, to++, from += step) out[to] = values[from];
  }
  return out;
}
