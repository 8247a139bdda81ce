/**
 * The header and the directories of TIFF files that are written.
 *
 * Source: TIFF 6.0 §2, §8; the BigTIFF file format proposal.
 *
 * @module
 */
import type { TiffSource } from "./tiff_source.ts";

/** A field of a directory: type 3 (16 bits), 4 (32 bits) or 5 (rationals). */
export interface Entry {
  readonly tag: number;
  readonly type: 3 | 4 | 5;
  readonly values: readonly number[];
}

/** The fields of a page, those of its strips aside. */
export function describePage(
  { data, pixelSize }: TiffSource,
  { height, width, samples, rowsPerStrip }: {
    readonly height: number;
    readonly width: number;
    readonly samples: number;
    readonly rowsPerStrip: number;
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

/** Where the strips of a page are. */
export interface Strips {
  readonly offsets: readonly number[];
  readonly counts: readonly number[];
}

/** The first bytes of a file. */
export function encodeHeader(first: number, isBig: boolean): Uint8Array {
  const out = new Uint8Array(isBig ? 16 : 8);
  const view = new DataView(out.buffer);
  out.set([0x49, 0x49, isBig ? 43 : 42, 0]);
  if (isBig) {
    view.setUint32(4, 8, true);
    view.setBigUint64(8, BigInt(first), true);
  } else view.setUint32(4, first, true);
  return out;
}

/**
 * The directories of pages whose strips are written.
 *
 * @param base  byte after the last strip
 * @returns     what follows the strips, and where the first directory is
 */
export function layOutDirectories(
  base: number,
  pages: readonly Strips[],
  { entries, description, isBig }: {
    readonly entries: readonly Entry[];
    readonly description: Uint8Array;
    readonly isBig: boolean;
  },
): { first: number; tail: Uint8Array } {
  const word = isBig ? 8 : 4;
  const total = pages.length + pages.reduce((sum, { offsets }, i) => {
    const fields = entries.length + 2 + (i === 0 ? 1 : 0);
    // a bound: long values of every entry
    const long = 2 * offsets.length * word + 16 * entries.length + 64 +
      (i === 0 ? description.length : 0);
    return sum + fields * (isBig ? 20 : 12) + 32 + long;
  }, 0);
  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  // places are those of the file
  const setWord = (at: number, value: number) =>
    isBig
      ? view.setBigUint64(at - base, BigInt(value), true)
      : view.setUint32(at - base, value, true);

  let at = base;
  let first = 0;
  let link = 0;
  for (const [i, { offsets, counts }] of pages.entries()) {
    at += at & 1; // directories begin at even bytes
    if (i === 0) first = at;
    else setWord(link, at);
    const all: (Entry | { tag: number; type: 2; text: Uint8Array })[] = [
      ...entries,
      { tag: 273, type: 4, values: offsets },
      { tag: 279, type: 4, values: counts },
    ];
    if (i === 0) all.push({ tag: 270, type: 2, text: description });
    all.sort((a, b) => a.tag - b.tag);
    if (isBig) view.setBigUint64(at - base, BigInt(all.length), true);
    else view.setUint16(at - base, all.length, true);
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
      view.setUint16(field - base, entry.tag, true);
      view.setUint16(field + 2 - base, type, true);
      setWord(field + 4, count);
      const inline = field + 4 + word;
      if (value.length <= word) out.set(value, inline - base);
      else {
        at += at & 1;
        setWord(inline, at);
        out.set(value, at - base);
        at += value.length;
      }
      field += isBig ? 20 : 12;
    }
  }
  return { first, tail: out.subarray(0, at - base) };
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
