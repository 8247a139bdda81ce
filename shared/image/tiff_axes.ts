/**
 * What the pages of a TIFF file mean: OME-XML, ImageJ's description, the
 * shape that tifffile writes, or nothing.
 *
 * @module
 */
import { ArgumentError, isSegError } from "../errors.ts";
import { type Axes, decideAxes } from "./axes.ts";
import { isOmeXml, type OmeImage, parseOmeXml } from "./ome_xml.ts";
import { type PixelSize, readResolution, toMicrometers } from "./pixel_size.ts";
import { listEqualPages, type OpenedTiff } from "./tiff.ts";
import type { TiffPage } from "./tiff_pages.ts";

/** Pages in the order of the axes. */
export interface TiffLayout {
  /** Indices of pages. */
  readonly order: readonly number[];
  /** Axes of the pages, without Y, X and the samples; "" for one page. */
  readonly axes?: string;
  /** Lengths of these axes. */
  readonly lengths: readonly number[];
  readonly pixelSize?: PixelSize;
  readonly channelNames?: readonly string[];
  readonly warnings: readonly string[];
}

/** Tell the order and axes of a file's pages. */
export function layOutPages(tiff: OpenedTiff): TiffLayout {
  const { description = "", pages } = tiff;
  const plain = layOutPlain(tiff);
  if (isOmeXml(description)) {
    try {
      const ome = parseOmeXml(description, tiff.identity);
      return layOutOme(ome, tiff, plain);
    } catch (err) {
      if (!isSegError(err)) throw err;
      return { ...plain, warnings: [...plain.warnings, err.message] };
    }
  }
  if (description.startsWith("ImageJ=")) {
    return layOutImageJ(description, pages, plain);
  }
  return layOutShaped(description, plain);
}

/**
 * Axes and shape of the whole array.
 *
 * @param channels  samples of a pixel
 * @param given     the caller's axes
 */
export function nameAxes(
  layout: TiffLayout,
  size: { height: number; width: number; channels: number },
  given?: string,
): Axes {
  const { height, width, channels } = size;
  const sampleAxis = channels > 1 ? "C" : "";
  const shape = [
    ...layout.lengths,
    height,
    width,
    ...(channels > 1 ? [channels] : []),
  ];
  if (given !== undefined) return decideAxes(shape, { given });
  if (layout.axes !== undefined) {
    const told = `${layout.axes}YX${sampleAxis}`;
    // channels in pages and in samples: the samples' axis has no name of ours
    if (new Set(told).size === told.length) return decideAxes(shape, { told });
    throw new ArgumentError("axes", `pages and samples are both channels`);
  }
  if (sampleAxis === "C") {
    return {
      axes: "ZYXC",
      shape,
      inferred: true,
      warnings: ["The pages are taken for slices (Z); give axes if not"],
    };
  }
  return decideAxes(shape);
}

function layOutPlain({ pages, warnings = [] }: OpenedTiff): TiffLayout {
  const order = listEqualPages(pages);
  const pixelSize = readResolution(pages[0]);
  const left =
    pages.filter((page, i) => !page.isReduced && !order.includes(i)).length;
  return {
    order,
    lengths: order.length > 1 ? [order.length] : [],
    ...(order.length === 1 && { axes: "" }),
    ...(pixelSize && { pixelSize }),
    warnings: [
      ...warnings,
      ...(left > 0
        ? [`${left} pages of another size or type are left out`]
        : []),
    ],
  };
}

function layOutOme(
  ome: OmeImage,
  { pages, firstPages, warnings: tiffWarnings = [] }: OpenedTiff,
  plain: TiffLayout,
): TiffLayout {
  const { sizes, dimensionOrder, samples, pixelSize, channelNames } = ome;
  const warnings: string[] = [];
  if (ome.images > 1) {
    warnings.push(`The file holds ${ome.images} images; the first is read`);
  }
  const lengths = { T: sizes.T, Z: sizes.Z, C: sizes.C };
  // RGB: the channels are samples of one page
  if (samples > 1) lengths.C = Math.max(1, sizes.C / samples);
  const planes = lengths.T * lengths.Z * lengths.C;
  const facts = {
    ...(pixelSize ?? plain.pixelSize
      ? { pixelSize: pixelSize ?? plain.pixelSize }
      : {}),
    ...(channelNames && { channelNames }),
  };
  if (
    planes > pages.length || sizes.Y !== pages[0].height ||
    sizes.X !== pages[0].width
  ) {
    return {
      ...plain,
      ...facts,
      warnings: [
        ...plain.warnings,
        ...warnings,
        planes > pages.length
          ? `OME-XML tells ${planes} planes, the file has ${pages.length} pages (the others may be in other files)`
          : `OME-XML tells ${sizes.Y}×${sizes.X} pixels, the pages have others`,
      ],
    };
  }

  // planes in the order of the document, then to T, C, Z
  const fastFirst = [...dimensionOrder.slice(2)] as ("T" | "C" | "Z")[];
  const pageOf = new Map<number, number>();
  const key = (t: number, c: number, z: number) =>
    (t * lengths.C + c) * lengths.Z + z;
  const placeFrom = (
    first: { T: number; C: number; Z: number },
    page: number,
    count: number,
  ) => {
    const at = { ...first };
    if (samples > 1) at.C = Math.floor(at.C / samples);
    for (let i = 0; i < Math.min(count, planes); i++) {
      pageOf.set(key(at.T, at.C, at.Z), page + i);
      for (const axis of fastFirst) {
        if (++at[axis] < lengths[axis]) break;
        at[axis] = 0;
      }
    }
  };
  // of several files, every plane must be told
  if (firstPages === undefined) placeFrom({ T: 0, C: 0, Z: 0 }, 0, planes);
  for (const { page, first, count, isElsewhere, file = "" } of ome.tiffData) {
    const begin = isElsewhere ? firstPages?.get(file) : 0;
    if (begin !== undefined) placeFrom(first, begin + page, count ?? planes);
  }
  const order = Array.from(
    { length: planes },
    (_, i) => pageOf.get(i) ?? (firstPages === undefined ? i : -1),
  );
  if (order.some((page) => !(page >= 0 && page < pages.length))) {
    return {
      ...plain,
      ...facts,
      warnings: [
        ...plain.warnings,
        ...warnings,
        "OME-XML names pages that are not in the file",
      ],
    };
  }
  return {
    ...named(lengths),
    ...facts,
    order,
    warnings: [...tiffWarnings, ...warnings],
  };
}

/** Leave axes of length 1 out. */
function named(lengths: { T: number; C: number; Z: number }) {
  const kept = (["T", "C", "Z"] as const).filter((axis) => lengths[axis] > 1);
  return {
    axes: kept.join(""),
    lengths: kept.map((axis) => lengths[axis]),
  };
}

/**
 * Source: ImageJ's TiffDecoder and FileInfo: lines `name=value`, planes in the
 *   order channel, slice, frame (fastest first).
 */
function layOutImageJ(
  description: string,
  pages: readonly TiffPage[],
  plain: TiffLayout,
): TiffLayout {
  const facts = new Map(
    description.split(/\r?\n/).map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
  const count = (name: string) => {
    const value = Number(facts.get(name) ?? 1);
    return Number.isInteger(value) && value >= 1 ? value : 1;
  };
  const images = count("images");
  let [C, Z, T] = [count("channels"), count("slices"), count("frames")];
  // a stack that names no axis is a stack of slices
  const isNamed = C * Z * T === images;
  if (!isNamed) [C, Z, T] = [1, images, 1];

  const pixelSize = readImageJSize(facts, pages[0]);
  const size = pixelSize === undefined ? {} : { pixelSize };
  if (images > pages.length || images > plain.order.length) {
    const { pixelSize: _, ...rest } = plain;
    return {
      ...rest,
      ...size,
      warnings: [
        ...plain.warnings,
        `ImageJ tells ${images} images, the file has ${pages.length} pages`,
      ],
    };
  }
  // stored T, Z, C (slowest first)
  const order: number[] = [];
  for (let t = 0; t < T; t++) {
    for (let c = 0; c < C; c++) {
      for (let z = 0; z < Z; z++) order.push((t * Z + z) * C + c);
    }
  }
  const warnings = isNamed || images === 1
    ? plain.warnings
    : [...plain.warnings, "ImageJ names no axes; the pages are slices (Z)"];
  return { ...named({ T, C, Z }), ...size, order, warnings };
}

/** The tags hold pixels per unit; the unit and the distance are text. */
function readImageJSize(
  facts: ReadonlyMap<string, string>,
  { resolution }: TiffPage,
): PixelSize | undefined {
  const scale = toMicrometers(1, facts.get("unit") ?? "");
  if (scale === undefined || resolution === undefined) return undefined;
  const [y, x] = [scale / resolution.y, scale / resolution.x];
  const z = Number(facts.get("spacing")) * scale;
  return z > 0 ? { z, y, x } : { y, x };
}

/** Source: tifffile writes `{"shape": […], "axes": "…"}`. */
function layOutShaped(description: string, plain: TiffLayout): TiffLayout {
  if (!description.startsWith('{"')) return plain;
  try {
    const told: unknown = JSON.parse(description);
    const axes = (told as { axes?: unknown }).axes;
    const shape = (told as { shape?: unknown }).shape;
    if (typeof axes !== "string" || !Array.isArray(shape)) return plain;
    // samples are the last axis, as S or C
    const pageAxes = /^([TCZ]*)YX[SC]?$/.exec(axes)?.[1];
    const lengths = shape.slice(0, pageAxes?.length).map(Number);
    const planes = lengths.reduce((a, b) => a * b, 1);
    if (pageAxes === undefined || planes !== plain.order.length) return plain;
    return { ...plain, axes: pageAxes, lengths };
  } catch {
    // some other text
    return plain;
  }
}
