/**
 * Labels as a zip of ImageJ regions of interest, as Fiji's ROI Manager opens.
 *
 * @module
 */
import { zipSync } from "fflate";
import { CorruptImageError } from "../errors.ts";
import type { Size2D } from "../ndarray.ts";
import { type Cell, paintCells, type PaintedLabels } from "./geojson.ts";
import {
  boundRings,
  groupRings,
  type LabelPolygons,
  type Ring,
  type Rings,
} from "./rings.ts";
import { readZip } from "./zip.ts";

/** Types of regions (ImageJ's RoiDecoder). */
const POLYGON = 0;
const RECTANGLE = 1;
const OVAL = 2;
const OUTLINES = [POLYGON, 7, 8]; // freehand, traced
const SUB_PIXEL = 128;

const HEADER_BYTES = 64;
/** Coordinates are 16-bit with sign. */
const MAX_SHORT = 32767;
/** Segments of a composite region. */
const [MOVE, LINE, CLOSE] = [0, 1, 4];
/** The earliest date a zip can hold: the same labels give the same bytes. */
const NO_DATE = new Date(1980, 0, 1);

/**
 * Encode labels as a zip of ROIs named by label.
 *
 * A label of one ring is a polygon; one with holes or parts is a composite.
 * ImageJ's coordinates are edges of pixels, as ours: the ROI's mask is the
 * label.
 *
 * @param rings  along the edges of pixels, with holes: `traceContours`'
 *   default
 *
 * Source: ImageJ's RoiEncoder, version 228.
 * Differs: Cellpose writes the centers of border pixels, and so loses a row
 *   and a column of each cell.
 */
export function encodeRois(rings: Rings): Uint8Array {
  const files: Record<string, Uint8Array> = {};
  for (const cell of groupRings(rings)) {
    files[`${cell.label}.roi`] = encodeRoi(cell);
  }
  return zipSync(files, { level: 4, mtime: NO_DATE });
}

function encodeRoi({ label, polygons }: LabelPolygons): Uint8Array {
  const rings = polygons.flat();
  const [first] = rings;
  const { left, top, right, bottom } = boxOf(rings);
  const isPolygon = rings.length === 1 && right <= MAX_SHORT &&
    bottom <= MAX_SHORT && first.length <= 0xffff;
  const path = isPolygon ? [] : encodePath(rings);
  const bodyBytes = isPolygon ? first.length * 4 : path.length * 4;
  const name = `${label}`;
  const out = new Uint8Array(HEADER_BYTES * 2 + bodyBytes + name.length * 2);
  const view = new DataView(out.buffer);
  const clip = (value: number) => Math.min(MAX_SHORT, value);

  out.set([0x49, 0x6f, 0x75, 0x74]); // "Iout"
  view.setInt16(4, 228);
  out[6] = isPolygon ? POLYGON : RECTANGLE;
  view.setInt16(8, clip(top));
  view.setInt16(10, clip(left));
  view.setInt16(12, clip(bottom));
  view.setInt16(14, clip(right));
  let at = HEADER_BYTES;
  if (isPolygon) {
    view.setUint16(16, first.length);
    for (const [i, [x, y]] of first.entries()) {
      view.setInt16(at + 2 * i, x - left);
      view.setInt16(at + 2 * (first.length + i), y - top);
    }
  } else {
    view.setInt32(36, path.length);
    path.forEach((value, i) => view.setFloat32(at + 4 * i, value));
  }
  at += bodyBytes;
  // the second header holds the name
  view.setInt32(60, at);
  view.setInt32(at + 16, at + HEADER_BYTES);
  view.setInt32(at + 20, name.length);
  for (let i = 0; i < name.length; i++) {
    view.setUint16(at + HEADER_BYTES + 2 * i, name.charCodeAt(i));
  }
  return out;
}

function encodePath(rings: readonly Ring[]): number[] {
  return rings.flatMap((ring) => [
    ...ring.flatMap(([x, y], i) => [i === 0 ? MOVE : LINE, x, y]),
    CLOSE,
  ]);
}

function boxOf(rings: readonly Ring[]) {
  let [left, top, right, bottom] = [Infinity, Infinity, 0, 0];
  for (const ring of rings) {
    for (const [x, y] of ring) {
      left = Math.min(left, x);
      top = Math.min(top, y);
      right = Math.max(right, x);
      bottom = Math.max(bottom, y);
    }
  }
  return { left, top, right, bottom };
}

/**
 * Decode labels from a zip of ROIs: polygons, rectangles, ovals, composites.
 *
 * @param bytes  the zip
 * @param size   of the image; default: what holds all ROIs, with a warning
 * @returns      labels are the names where these are numbers, else the order
 * @throws {CorruptImageError}
 * @throws {UnsupportedFormatError}
 */
export function decodeRois(bytes: Uint8Array, size?: Size2D): PaintedLabels {
  const zip = readZip(bytes);
  const warnings: string[] = [];
  const cells: Cell[] = [];
  for (const file of zip.names.filter((name) => name.endsWith(".roi"))) {
    const rings = decodeRoi(zip.read(file));
    if (rings === undefined) {
      warnings.push(`${file} is no area and is left out`);
      continue;
    }
    const name = file.replace(/^.*\//, "").replace(/\.roi$/, "");
    cells.push(/^\d+$/.test(name) ? { label: Number(name), rings } : { rings });
  }
  const all = size ?? boundRings(cells.flatMap(({ rings }) => rings));
  if (!size) {
    warnings.push(
      `The size ${all.height}×${all.width} is that of the ROIs; give the image's`,
    );
  }
  return { ...paintCells(cells, all), warnings };
}

/** Rings of one ROI; undefined for lines and points. */
function decodeRoi(bytes: Uint8Array): Ring[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (
    bytes.length < HEADER_BYTES ||
    String.fromCharCode(...bytes.subarray(0, 4)) !== "Iout"
  ) {
    throw corrupt("it has no header");
  }
  const version = view.getInt16(4);
  const type = bytes[6];
  const [top, left, bottom, right] = [8, 10, 12, 14].map((at) =>
    view.getInt16(at)
  );
  const floats = view.getInt32(36);
  if (type === RECTANGLE && floats > 0) return decodePath(view, floats);
  if (type === RECTANGLE) {
    return [[[left, top], [right, top], [right, bottom], [left, bottom]]];
  }
  if (type === OVAL) return [oval(left, top, right, bottom)];
  if (!OUTLINES.includes(type)) return undefined;

  // above 65535 points the count stands where a line's start would
  const count = view.getUint16(16) || view.getInt32(18);
  const isSubPixel = (view.getUint16(50) & SUB_PIXEL) !== 0 && version >= 222;
  const needed = HEADER_BYTES + count * (isSubPixel ? 12 : 4);
  if (!(count >= 0 && needed <= bytes.length)) {
    throw corrupt(`it has ${bytes.length} of ${needed} bytes`);
  }
  return [Array.from({ length: count }, (_, i): [number, number] => {
    if (isSubPixel) {
      const at = HEADER_BYTES + 4 * count + 4 * i;
      return [view.getFloat32(at), view.getFloat32(at + 4 * count)];
    }
    const at = HEADER_BYTES + 2 * i;
    return [left + view.getInt16(at), top + view.getInt16(at + 2 * count)];
  })];
}

function decodePath(view: DataView, floats: number): Ring[] {
  if (HEADER_BYTES + floats * 4 > view.byteLength) {
    throw corrupt("its path is cut short");
  }
  const read = (i: number) => view.getFloat32(HEADER_BYTES + 4 * i);
  const rings: [number, number][][] = [];
  for (let i = 0; i < floats;) {
    const segment = read(i);
    if (segment === CLOSE) i++;
    else if ((segment === MOVE || segment === LINE) && i + 2 < floats) {
      if (segment === MOVE) rings.push([]);
      if (rings.length === 0) throw corrupt("its path begins nowhere");
      rings[rings.length - 1].push([read(i + 1), read(i + 2)]);
      i += 3;
    } else throw corrupt(`its path has a segment ${segment}`);
  }
  return rings;
}

/** An ellipse, by as many points as make it round at any size of a cell. */
function oval(left: number, top: number, right: number, bottom: number): Ring {
  const [rx, ry] = [(right - left) / 2, (bottom - top) / 2];
  return Array.from({ length: 360 }, (_, i): [number, number] => {
    const angle = i * Math.PI / 180;
    return [left + rx + rx * Math.cos(angle), top + ry + ry * Math.sin(angle)];
  });
}

function corrupt(detail: string): CorruptImageError {
  return new CorruptImageError("roi", detail);
}
