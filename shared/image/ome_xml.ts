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
  /** Of the file that the document is in. */
  readonly uuid?: string;
  /** The file that holds the document, of which this is only a pointer. */
  readonly metadataFile?: string;
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
  /** That file's name and UUID, as far as they are told. */
  readonly file?: string;
  readonly uuid?: string;
}

type Attributes = Readonly<Record<string, string>>;

/** True if a TIFF description is an OME-XML document. */
export function isOmeXml(text: string): boolean {
  return /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]{0,4096}?-->\s*)*<(?:\w+:)?OME[\s>]/
    .test(text.slice(0, 16384));
}

/** How a file may be named in a document. */
export interface OmeIdentity {
  readonly name?: string | undefined;
  readonly uuid?: string | undefined;
}

/** What a document that only points to another tells. */
const POINTER = {
  sizes: { T: 1, C: 1, Z: 1, Y: 0, X: 0 },
  dimensionOrder: "XYZCT",
  samples: 1,
  tiffData: [],
  images: 0,
} as const;

/**
 * Read the first image of an OME-XML document; entities are not expanded.
 *
 * @param own  the file whose pages are its own; default: by the document's
 *   UUID, else the first file that it names
 * @throws {CorruptImageError} if it is no XML, or lacks sizes
 *
 * Source: the OME schema, 2016-06, Pixels, Channel and TiffData.
 */
export function parseOmeXml(text: string, own: OmeIdentity = {}): OmeImage {
  let uuid = own.uuid;
  let metadataFile: string | undefined;
  let pixels: Attributes | undefined;
  let images = 0;
  const channels: Attributes[] = [];
  const tiffData: TiffDataTag[] = [];
  let inFirst = false;
  let inUuid = false;

  const parser = new SaxesParser();
  parser.on("error", (err) => {
    throw new CorruptImageError("tiff", `its OME-XML is broken`, {
      cause: err,
    });
  });
  parser.on("opentag", ({ name, attributes }) => {
    const local = name.slice(name.indexOf(":") + 1);
    if (local === "OME") uuid ??= attributes.UUID;
    if (local === "BinaryOnly") metadataFile = attributes.MetadataFile;
    if (local === "Image") inFirst = ++images === 1;
    if (!inFirst) return;
    if (local === "Pixels") pixels = attributes;
    if (local === "Channel") channels.push(attributes);
    if (local === "TiffData") tiffData.push({ attributes });
    inUuid = local === "UUID" && tiffData.length > 0;
    if (inUuid && attributes.FileName) {
      tiffData[tiffData.length - 1].file = attributes.FileName;
    }
  });
  parser.on("text", (content) => {
    const last = tiffData.at(-1);
    if (inUuid && last && content.trim()) last.uuid = content.trim();
  });
  parser.on("closetag", () => void (inUuid = false));
  parser.write(text).close();
  if (metadataFile !== undefined && pixels === undefined) {
    return { ...POINTER, metadataFile, ...(uuid && { uuid }) };
  }
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
  const isElsewhere = findOwn(tiffData, { ...own, uuid });
  return {
    sizes,
    dimensionOrder,
    samples: Number(channels[0]?.SamplesPerPixel ?? 1) || 1,
    ...(pixelSize && { pixelSize }),
    ...(isNamed && names.length === sizes.C && { channelNames: names }),
    tiffData: tiffData.map(({ attributes, ...where }) => ({
      page: Number(attributes.IFD ?? 0) || 0,
      first: {
        T: Number(attributes.FirstT ?? 0) || 0,
        C: Number(attributes.FirstC ?? 0) || 0,
        Z: Number(attributes.FirstZ ?? 0) || 0,
      },
      count: attributes.PlaneCount === undefined
        ? attributes.IFD === undefined ? undefined : 1
        : Number(attributes.PlaneCount),
      isElsewhere: isElsewhere(where),
      ...where,
    })),
    images,
    ...(uuid && { uuid }),
  };
}

/** A TiffData element and the UUID in it. */
interface TiffDataTag {
  readonly attributes: Attributes;
  file?: string;
  uuid?: string;
}

/** Which entries are not of the document's own file. */
function findOwn(
  tags: readonly TiffDataTag[],
  { name, uuid }: OmeIdentity,
): (tag: Pick<TiffDataTag, "file" | "uuid">) => boolean {
  const files = [...new Set(tags.flatMap(({ file }) => file ?? []))];
  if (uuid !== undefined && tags.some((tag) => tag.uuid === uuid)) {
    return (tag) => tag.uuid !== undefined && tag.uuid !== uuid;
  }
  const own = name !== undefined && files.includes(name) ? name : files[0];
  return ({ file }) => files.length > 1 && file !== own;
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
