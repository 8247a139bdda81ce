/**
 * The page directories of a TIFF file, read and checked before any pixel is:
 * chains that lead back, sizes beyond limits, blocks that are not there.
 *
 * @module
 */
import {
  CorruptImageError,
  ImageTooLargeError,
  UnsupportedFormatError,
} from "../errors.ts";
import { type ByteSource, toByteSource } from "./byte_source.ts";

/** Tags that are looked at (TIFF 6.0 §8; supplement 2 for JPEG). */
const TAGS = {
  subfileType: 254,
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  description: 270,
  stripOffsets: 273,
  samples: 277,
  rowsPerStrip: 278,
  stripBytes: 279,
  xResolution: 282,
  yResolution: 283,
  planar: 284,
  resolutionUnit: 296,
  predictor: 317,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileBytes: 325,
  sampleFormat: 339,
  jpegTables: 347,
} as const;

type TagName = keyof typeof TAGS;

/** Bytes of a value by field type 1–13 and BigTIFF's 16–18; 0: none. */
const TYPE_BYTES = [
  ...[0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4],
  ...[0, 0, 8, 8, 8],
];

/** One page, as its directory tells it. */
export interface TiffPage {
  readonly height: number;
  readonly width: number;
  /** Samples of a pixel. */
  readonly samples: number;
  /** Bits of a sample; the same for all. */
  readonly bits: number;
  /** 1 unsigned, 2 signed, 3 float. */
  readonly sampleFormat: number;
  readonly compression: number;
  /** What was subtracted before packing; 1: nothing. */
  readonly predictor: number;
  readonly photometric: number;
  readonly isPlanar: boolean;
  /** A thumbnail or pyramid level. */
  readonly isReduced: boolean;
  /** Rows and columns of a strip or tile. */
  readonly block: { readonly height: number; readonly width: number };
  readonly offsets: readonly number[];
  readonly byteCounts: readonly number[];
  readonly jpegTables?: Uint8Array;
  /** ImageDescription, as it stands. */
  readonly description?: Uint8Array;
  /** Pixels per unit. */
  readonly resolution?: { readonly x: number; readonly y: number };
  /** 1 none, 2 inch, 3 centimeter. */
  readonly resolutionUnit: number;
  readonly isLittle: boolean;
  /** Without a directory of its own; see `implyPages`. */
  readonly isImplied?: boolean;
}

/**
 * Read the page directories of a TIFF or BigTIFF file.
 *
 * @param bytes     the whole file
 * @param maxPages  directories to read at most
 * @returns         one or more pages
 * @throws {UnsupportedFormatError} if it is not TIFF, or its samples differ in
 *   type
 * @throws {CorruptImageError} if a directory or block lies outside the file,
 *   or the chain has a cycle or no page
 * @throws {ImageTooLargeError} if there are more pages
 *
 * Source: TIFF 6.0 §2; the BigTIFF file format proposal.
 */
export function readTiffPages(
  bytes: Uint8Array | ByteSource,
  maxPages = Infinity,
): TiffPage[] {
  const source = toByteSource(bytes);
  const start = source.read(0, 4);
  const order = String.fromCharCode(start[0], start[1]);
  const isLittle = order === "II";
  const version = (isLittle || order === "MM") && start.length === 4
    ? viewOf(start).getUint16(2, isLittle)
    : 0;
  if (version !== 42 && version !== 43) {
    throw new UnsupportedFormatError("A file without TIFF header", ["tiff"]);
  }
  const file: TiffFile = {
    source,
    isLittle,
    isBig: version === 43,
    read: { values: 0 },
  };
  const offsetBytes = file.isBig ? 8 : 4;
  const countBytes = file.isBig ? 8 : 2;
  const entryBytes = file.isBig ? 20 : 12;

  const pages: TiffPage[] = [];
  const seen = new Set<number>();
  let at = readUint(file, file.isBig ? 8 : 4, offsetBytes);
  while (at !== 0) {
    if (seen.has(at)) throw corrupt("the chain of pages has a cycle", at);
    seen.add(at);
    if (seen.size > maxPages) {
      throw new ImageTooLargeError(seen.size, maxPages, "pages");
    }
    const entries = readUint(file, at, countBytes);
    const end = at + countBytes + entries * entryBytes;
    // also checks that all entries are in the file
    const next = readUint(file, end, offsetBytes);
    const page = readPage(file, at + countBytes, entries);
    pages.push(page);
    at = next;
  }
  if (pages.length === 0) throw corrupt("it has no page", 4);
  return pages;
}

interface TiffFile {
  readonly source: ByteSource;
  readonly isLittle: boolean;
  readonly isBig: boolean;
  /** Values read so far: pages that share arrays would take for ever. */
  readonly read: { values: number };
}

/** Where the values of a field are. */
interface Field {
  readonly type: number;
  readonly count: number;
  readonly at: number;
}

function readPage(file: TiffFile, from: number, entries: number): TiffPage {
  const fields = readFields(file, from, entries);
  const numbers = (name: TagName) => readNumbers(file, fields.get(TAGS[name]));
  const number = (name: TagName, fallback: number) =>
    numbers(name)[0] ?? fallback;
  const height = number("height", 0);
  const width = number("width", 0);
  if (!(height >= 1 && width >= 1)) {
    throw corrupt(`a page has ${height}×${width} pixels`, from);
  }
  const bits = numbers("bits");
  const formats = numbers("sampleFormat");
  if (new Set(bits).size > 1 || new Set(formats).size > 1) {
    throw new UnsupportedFormatError("A TIFF whose samples differ in type", [
      "samples of one type",
    ]);
  }
  const isTiled = fields.has(TAGS.tileOffsets);
  const rows = number("rowsPerStrip", height);
  const block = isTiled
    ? { height: number("tileHeight", 0), width: number("tileWidth", 0) }
    : { height: Math.min(rows, height), width };
  const description = readBytes(file, fields.get(TAGS.description));
  const tables = readBytes(file, fields.get(TAGS.jpegTables));
  const x = number("xResolution", NaN);
  const y = number("yResolution", x);
  return {
    height,
    width,
    samples: number("samples", 1),
    bits: bits[0] ?? 1,
    sampleFormat: formats[0] ?? 1,
    compression: number("compression", 1),
    predictor: number("predictor", 1),
    photometric: number("photometric", 1),
    isPlanar: number("planar", 1) === 2,
    isReduced: (number("subfileType", 0) & 1) === 1,
    block,
    offsets: numbers(isTiled ? "tileOffsets" : "stripOffsets"),
    byteCounts: numbers(isTiled ? "tileBytes" : "stripBytes"),
    resolutionUnit: number("resolutionUnit", 2),
    isLittle: file.isLittle,
    ...(description && { description }),
    ...(tables && { jpegTables: tables }),
    ...(x > 0 && y > 0 && { resolution: { x, y } }),
  };
}

function readFields(
  file: TiffFile,
  from: number,
  entries: number,
): Map<number, Field> {
  const wanted = new Set<number>(Object.values(TAGS));
  const { isBig } = file;
  const fields = new Map<number, Field>();
  for (let i = 0; i < entries; i++) {
    const at = from + i * (isBig ? 20 : 12);
    const tag = readUint(file, at, 2);
    if (!wanted.has(tag)) continue;
    const type = readUint(file, at + 2, 2);
    const count = readUint(file, at + 4, isBig ? 8 : 4);
    const inline = at + (isBig ? 12 : 8);
    const size = (TYPE_BYTES[type] ?? 0) * count;
    if (size === 0) continue;
    const start = size <= (isBig ? 8 : 4)
      ? inline
      : readUint(file, inline, isBig ? 8 : 4);
    if (start + size > file.source.length) {
      throw corrupt(`the values of tag ${tag} lie outside the file`, at);
    }
    fields.set(tag, { type, count, at: start });
  }
  return fields;
}

function readNumbers(file: TiffFile, field?: Field): number[] {
  const bytes = readBytes(file, field);
  if (field === undefined || bytes === undefined) return [];
  file.read.values += field.count;
  if (file.read.values > 64 + file.source.length) {
    throw corrupt("its pages share their values", field.at);
  }
  const { isLittle } = file;
  const view = viewOf(bytes);
  const size = TYPE_BYTES[field.type];
  return Array.from({ length: field.count }, (_, i) => {
    const at = i * size;
    // rationals: numerator and denominator
    if (field.type === 5) {
      return view.getUint32(at, isLittle) / view.getUint32(at + 4, isLittle);
    }
    return uintAt(view, at, { size, isLittle });
  });
}

function readBytes(file: TiffFile, field?: Field): Uint8Array | undefined {
  return field &&
    file.source.read(field.at, field.at + field.count * TYPE_BYTES[field.type]);
}

function readUint(
  { source, isLittle }: TiffFile,
  at: number,
  size: number,
): number {
  if (at + size > source.length) {
    throw corrupt("a page lies outside the file", at);
  }
  return uintAt(viewOf(source.read(at, at + size)), 0, { size, isLittle });
}

function uintAt(
  view: DataView,
  at: number,
  { size, isLittle }: { size: number; isLittle: boolean },
): number {
  if (size === 1) return view.getUint8(at);
  if (size === 2) return view.getUint16(at, isLittle);
  if (size === 4) return view.getUint32(at, isLittle);
  return Number(view.getBigUint64(at, isLittle));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function corrupt(detail: string, offset: number): CorruptImageError {
  return new CorruptImageError("tiff", detail, { offset });
}
