/**
 * OME-XML: what the pages of an OME-TIFF are, and how large a pixel is.
 *
 * @module
 */
import { SaxesParser } from "saxes";
import { CorruptImageError } from "../errors.ts";
import { type PixelSize, toMicrometers } from "./pixel_size.ts";

/** The first image of an OME-XML document. */
export interface OmeImage {
  readonly sizes: { readonly [axis in "T" | "C" | "Z" | "Y" | "X"]: number };
  /** As "XYZCT", fastest first. */
  readonly dimensionOrder: string;
  /** Samples of a pixel: 3 where RGB is stored in one page. */
  readonly samples: number;
  readonly pixelSize?: PixelSize;
  /** One a channel, where at least one is named. */
  readonly channelNames?: readonly string[];
  /** Pages that are told one by one. */
  readonly tiffData: readonly OmeTiffData[];
  /** Images in the document. */
  readonly images: number;
}

/** From which page which planes follow. */
export interface OmeTiffData {
  readonly page: number;
  readonly first: {
    readonly T: number;
    readonly C: number;
    readonly Z: number;
  };
  readonly count: number | undefined;
  /** Whether the page is in another file. */
  readonly isElsewhere: boolean;
}

type Attributes = Readonly<Record<string, string>>;

/** True if a TIFF description is an OME-XML document. */
export function isOmeXml(text: string): boolean {
  return /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]{0,4096}?-->\s*)*<(?:\w+:)?OME[\s>]/
    .test(text.slice(0, 16384));
}

/**
 * Read the first image of an OME-XML document; entities are not expanded.
 *
 * @throws {CorruptImageError} if it is no XML, or lacks sizes
 *
 * Source: the OME schema, 2016-06, Pixels, Channel and TiffData.
 */
export function parseOmeXml(text: string): OmeImage {
  let pixels: Attributes | undefined;
  let images = 0;
  const channels: Attributes[] = [];
  const tiffData: { attributes: Attributes; file?: string }[] = [];
  const files = new Set<string>();
  let inFirst = false;

  const parser = new SaxesParser();
  parser.on("error", (err) => {
    throw new CorruptImageError("tiff", `its OME-XML is broken`, {
      cause: err,
    });
  });
  parser.on("opentag", ({ name, attributes }) => {
    const local = name.slice(name.indexOf(":") + 1);
    if (local === "Image") inFirst = ++images === 1;
    if (!inFirst) return;
    if (local === "Pixels") pixels = attributes;
    if (local === "Channel") channels.push(attributes);
    if (local === "TiffData") tiffData.push({ attributes });
    if (local === "UUID" && attributes.FileName && tiffData.length > 0) {
      tiffData[tiffData.length - 1].file = attributes.FileName;
      files.add(attributes.FileName);
    }
  });
  parser.write(text).close();
  if (pixels === undefined) throw broken("it has no Pixels");

  const found = pixels;
  const size = (axis: string) => {
    const value = Number(found[`Size${axis}`]);
    if (!Number.isInteger(value) || value < 1) {
      throw broken(`Size${axis} is ${found[`Size${axis}`]}`);
    }
    return value;
  };
  const sizes = {
    T: size("T"),
    C: size("C"),
    Z: size("Z"),
    Y: size("Y"),
    X: size("X"),
  };
  const dimensionOrder = found.DimensionOrder ?? "";
  if (!/^XY(?:ZCT|ZTC|CZT|CTZ|TZC|TCZ)$/.test(dimensionOrder)) {
    throw broken(`DimensionOrder is ${JSON.stringify(dimensionOrder)}`);
  }
  const names = channels.map(({ Name }, i) => Name ?? `channel ${i}`);
  const isNamed = channels.some(({ Name }) => Name !== undefined);
  const pixelSize = readPixelSize(found);
  const [ownFile] = files;
  return {
    sizes,
    dimensionOrder,
    samples: Number(channels[0]?.SamplesPerPixel ?? 1) || 1,
    ...(pixelSize && { pixelSize }),
    ...(isNamed && names.length === sizes.C && { channelNames: names }),
    tiffData: tiffData.map(({ attributes, file }) => ({
      page: Number(attributes.IFD ?? 0) || 0,
      first: {
        T: Number(attributes.FirstT ?? 0) || 0,
        C: Number(attributes.FirstC ?? 0) || 0,
        Z: Number(attributes.FirstZ ?? 0) || 0,
      },
      count: attributes.PlaneCount === undefined
        ? attributes.IFD === undefined ? undefined : 1
        : Number(attributes.PlaneCount),
      isElsewhere: files.size > 1 && file !== ownFile,
    })),
    images,
  };
}

function readPixelSize(pixels: Attributes): PixelSize | undefined {
  const read = (axis: string) => {
    const value = Number(pixels[`PhysicalSize${axis}`]);
    // the schema's default
    const unit = pixels[`PhysicalSize${axis}Unit`] ?? "µm";
    return value > 0 ? toMicrometers(value, unit) : undefined;
  };
  const [x, y, z] = [read("X"), read("Y"), read("Z")];
  if (x === undefined || y === undefined) return undefined;
  return z === undefined ? { y, x } : { z, y, x };
}

function broken(detail: string): CorruptImageError {
  return new CorruptImageError("tiff", `in its OME-XML ${detail}`);
}
