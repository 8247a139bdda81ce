/**
 * Arrays to TIFF files: Deflate strips, one page a plane, OME-XML.
 *
 * Own code: the npm packages write uncompressed files, or 8 bits only.
 *
 * @module
 */
import { zlibSync } from "fflate";
import { ArgumentError } from "../errors.ts";
import { checkLength } from "../ndarray.ts";
import { parseAxes } from "./axes.ts";
import { writeOmeXml } from "./ome_write.ts";
import type { TiffSource } from "./tiff_source.ts";

/** Bytes of a strip before packing; TIFF 6.0 recommends small ones, tifffile
 * writes 256 KiB. */
const STRIP_BYTES = 1 << 18;
/** Of 0–9: labels pack almost as well as at 9, five times as fast. */
const LEVEL = 4;
/** Room for directories, before offsets need 64 bits. */
const CLASSIC_BYTES = 2 ** 32 - 2 ** 24;

/**
 * Encode an array as OME-TIFF; BigTIFF above 4 GB.
 *
 * @returns  the file; the same bytes for the same array
 * @throws {ArgumentError} if axes and shape disagree
 *
 * Source: TIFF 6.0 §2, §8, supplement 2 (Adobe Deflate); BigTIFF; OME-TIFF.
 */
export function encodeTiff(source: TiffSource): Uint8Array {
  const { data, shape } = source;
  const axes = parseAxes(source.axes);
  const isRgb = axes.endsWith("YXC") && shape[shape.length - 1] === 3;
  if (axes.length !== shape.length || !(isRgb || axes.endsWith("YX"))) {
    throw new ArgumentError(
      "axes",
      `${axes} must name the ${shape.length} axes and end with YX, or YXC of 3 channels`,
    );
  }
  checkLength("data", data, shape.reduce((a, b) => a * b, 1));
  const samples = isRgb ? 3 : 1;
  const [height, width] = shape.slice(axes.indexOf("Y"));
  const plane = height * width * samples;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const size = data.BYTES_PER_ELEMENT;
  const rowsPerStrip = Math.max(
    1,
    Math.min(height, Math.floor(STRIP_BYTES / (width * samples * size))),
  );

  const pages = Array.from({ length: data.length / plane }, (_, i) => {
    const strips: Uint8Array[] = [];
    const rowBytes = width * samples * size;
    for (let y = 0; y < height; y += rowsPerStrip) {
      const from = i * plane * size + y * rowBytes;
      const rows = Math.min(rowsPerStrip, height - y);
      const strip = bytes.subarray(from, from + rows * rowBytes);
      strips.push(zlibSync(strip, { level: LEVEL }));
    }
    return strips;
  });
  const entries = describePage(source, {
    height,
    width,
    samples,
    rowsPerStrip,
  });
  const description = new TextEncoder().encode(
    writeOmeXml({ ...source, axes }) + "\0",
  );
  return layOut(pages, entries, description);
}

/** A field of a directory: type 3 (16 bits), 4 (32 bits) or 5 (rationals). */
interface Entry {
  readonly tag: number;
  readonly type: 3 | 4 | 5;
  readonly values: readonly number[];
}

function describePage(
  { data, pixelSize }: TiffSource,
  { height, width, samples, rowsPerStrip }: {
    height: number;
    width: number;
    samples: number;
    rowsPerStrip: number;
  },
): Entry[] {
  const bits = data.BYTES_PER_ELEMENT * 8;
  const format = /^Float/.test(data.constructor.name)
    ? 3
    : /^Int/.test(data.constructor.name)
    ? 2
    : 1;
  const each = (value: number) => new Array<number>(samples).fill(value);
  const perCentimeter = (micrometers: number) => 1e4 / micrometers;
  return [
    { tag: 256, type: 4, values: [width] },
    { tag: 257, type: 4, values: [height] },
    { tag: 258, type: 3, values: each(bits) },
    { tag: 259, type: 3, values: [8] },
    { tag: 262, type: 3, values: [samples === 3 ? 2 : 1] },
    { tag: 277, type: 3, values: [samples] },
    { tag: 278, type: 4, values: [rowsPerStrip] },
    ...(pixelSize
      ? [
        { tag: 282, type: 5, values: [perCentimeter(pixelSize.x)] } as const,
        { tag: 283, type: 5, values: [perCentimeter(pixelSize.y)] } as const,
        { tag: 296, type: 3, values: [3] } as const,
      ]
      : []),
    { tag: 284, type: 3, values: [1] },
    { tag: 339, type: 3, values: each(format) },
  ];
}

/** Header, strips, then the directories, each before its long values. */
function layOut(
  pages: readonly (readonly Uint8Array[])[],
  entries: readonly Entry[],
  description: Uint8Array,
): Uint8Array {
  const packed = pages.flat().reduce((sum, strip) => sum + strip.length, 0);
  const isBig = packed > CLASSIC_BYTES;
  const word = isBig ? 8 : 4;
  const header = isBig ? 16 : 8;
  const directories = pages.map((strips, i) => {
    const offsets = strips.length * word;
    return {
      entries: entries.length + 2 + (i === 0 ? 1 : 0),
      // a bound: long values of every entry
      long: 2 * offsets + 16 * entries.length + 64 +
        (i === 0 ? description.length : 0),
    };
  });
  const total = header + packed + pages.length + directories.reduce(
    (sum, d) => sum + d.entries * (isBig ? 20 : 12) + 32 + d.long,
    0,
  );
  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  const setWord = (at: number, value: number) =>
    isBig
      ? view.setBigUint64(at, BigInt(value), true)
      : view.setUint32(at, value, true);

  out.set([0x49, 0x49, isBig ? 43 : 42, 0]);
  if (isBig) view.setUint32(4, 8, true);
  let at = header;
  const offsets = pages.map((strips) =>
    strips.map((strip) => {
      const from = at;
      out.set(strip, at);
      at += strip.length;
      return from;
    })
  );

  let link = isBig ? 8 : 4;
  for (const [i, strips] of pages.entries()) {
    at += at & 1; // directories begin at even bytes
    setWord(link, at);
    const all: (Entry | { tag: number; type: 2; text: Uint8Array })[] = [
      ...entries,
      { tag: 273, type: 4, values: offsets[i] },
      { tag: 279, type: 4, values: strips.map((strip) => strip.length) },
    ];
    if (i === 0) all.push({ tag: 270, type: 2, text: description });
    all.sort((a, b) => a.tag - b.tag);
    if (isBig) view.setBigUint64(at, BigInt(all.length), true);
    else view.setUint16(at, all.length, true);
    let field = at + (isBig ? 8 : 2);
    link = field + all.length * (isBig ? 20 : 12);
    at = link + word;
    for (const entry of all) {
      // offsets are 64-bit (type 16) in BigTIFF
      const type = isBig && entry.type === 4 ? 16 : entry.type;
      const value = "text" in entry
        ? entry.text
        : encodeValues(entry.values, type);
      const count = "text" in entry ? value.length : entry.values.length;
      view.setUint16(field, entry.tag, true);
      view.setUint16(field + 2, type, true);
      setWord(field + 4, count);
      const inline = field + 4 + word;
      if (value.length <= word) out.set(value, inline);
      else {
        at += at & 1;
        setWord(inline, at);
        out.set(value, at);
        at += value.length;
      }
      field += isBig ? 20 : 12;
    }
  }
  return out.subarray(0, at);
}

function encodeValues(values: readonly number[], type: number): Uint8Array {
  if (type === 3) return new Uint8Array(Uint16Array.from(values).buffer);
  if (type === 4) return new Uint8Array(Uint32Array.from(values).buffer);
  if (type === 16) {
    return new Uint8Array(BigUint64Array.from(values, BigInt).buffer);
  }
  // rationals: as many digits as 32 bits hold
  return new Uint8Array(
    Uint32Array.from(values.flatMap((value) => {
      const scale = 2 ** Math.max(0, 30 - Math.ceil(Math.log2(value)));
      const by = Math.min(scale, 2 ** 30);
      return [Math.round(value * by), by];
    })).buffer,
  );
}
