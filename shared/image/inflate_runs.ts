/**
 * Inflate zlib data into an array of known size, fast where runs are long.
 *
 * Own code: label images unpack a hundredfold, nearly all of it by matches
 * that repeat the last sample; the npm packages copy these byte by byte, and a
 * browser's streams take longer to start than a strip takes to unpack. What is
 * broken is left to `inflate`, which says what is wrong.
 *
 * Source: RFC 1950, RFC 1951.
 *
 * @module
 */

/** Codes up to this length are looked up at once. */
const FAST_BITS = 10;
const MAX_BITS = 15;

/** First length, or distance, of each symbol, and the bits that follow it. */
const LENGTHS = bases([8, 4, 4, 4, 4, 4], 3, 258);
const DISTANCES = bases([4, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2], 1);

/** Order in which the lengths of the codes for lengths are told. */
const ORDER = [
  ...[16, 17, 18, 0, 8, 7, 9, 6, 10, 5],
  ...[11, 4, 12, 3, 13, 2, 14, 1, 15],
];

/** Shorter matches are copied byte by byte. */
const LONG = 24;

/** A Huffman code. */
interface Code {
  /** By the next `FAST_BITS` bits: symbol << 4 | length; 0: a longer code. */
  readonly fast: Uint16Array;
  /** Codes of each length. */
  readonly counts: Uint16Array;
  /** Symbols in the order of their codes. */
  readonly symbols: Uint16Array;
}

/** Array that is unpacked into, as bytes and as words. */
export interface Unpacked {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

/** Make room for unpacked bytes; it can be used again. */
export function createRoom(bytes: number): Unpacked {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  return { words, bytes: new Uint8Array(words.buffer) };
}

/**
 * Inflate.
 *
 * @param packed  zlib data
 * @param room    aligned to words
 * @returns       bytes that were unpacked; −1 where the data is broken or more
 *   than the room holds; the checksum is not looked at
 */
export function inflateRuns(packed: Uint8Array, room: Unpacked): number {
  const isZlib = packed.length >= 2 && (packed[0] & 15) === 8 &&
    ((packed[0] << 8) | packed[1]) % 31 === 0 && (packed[1] & 32) === 0;
  if (!isZlib) return -1;
  const reader: Reader = { packed, at: 2, bits: 0, held: 0 };
  let end = 0;
  for (let isLast = false; !isLast;) {
    isLast = take(reader, 1) === 1;
    const type = take(reader, 2);
    if (type === 0) end = copyStored(reader, room.bytes, end);
    else if (type === 3) return -1;
    else {
      const codes = type === 1 ? FIXED : readCodes(reader);
      if (codes === undefined) return -1;
      end = inflateBlock(reader, room, { end, ...codes });
    }
    // zeros were read beyond the end
    const isOver = reader.at - (reader.held >> 3) > packed.length;
    if (end < 0 || isOver) return -1;
  }
  return end;
}

/** Bits of the packed data. */
interface Reader {
  readonly packed: Uint8Array;
  /** Next byte. */
  at: number;
  /** Bits that were read and not taken, the next one lowest. */
  bits: number;
  held: number;
}

/** The next bits, 16 at most. */
function take(reader: Reader, count: number): number {
  while (reader.held < count) {
    reader.bits |= (reader.packed[reader.at++] ?? 0) << reader.held;
    reader.held += 8;
  }
  const value = reader.bits & ((1 << count) - 1);
  reader.bits >>>= count;
  reader.held -= count;
  return value;
}

/** A block as it is. */
function copyStored(reader: Reader, out: Uint8Array, end: number): number {
  // whole bytes that were read go back
  const at = reader.at - (reader.held >> 3);
  const { packed } = reader;
  const length = packed[at] | (packed[at + 1] << 8);
  const check = packed[at + 2] | (packed[at + 3] << 8);
  const from = at + 4;
  const isWhole = length === (~check & 0xffff) &&
    from + length <= packed.length && end + length <= out.length;
  if (!isWhole) return -1;
  out.set(packed.subarray(from, from + length), end);
  reader.at = from + length;
  reader.bits = reader.held = 0;
  return end + length;
}

/** A block of symbols; the end of what is unpacked, −1 where it is broken. */
function inflateBlock(
  reader: Reader,
  { bytes, words }: Unpacked,
  { end, literals, distances }: {
    end: number;
    literals: Code;
    distances: Code;
  },
): number {
  const { packed } = reader;
  const last = packed.length;
  const room = bytes.length;
  let { at, bits, held } = reader;
  for (;;) {
    // 25 bits or more: a length and its extra bits take 20
    while (held <= 24) {
      if (at < last) bits |= packed[at] << held;
      else if (at > last + 8) return -1;
      at++;
      held += 8;
    }
    let entry = literals.fast[bits & ((1 << FAST_BITS) - 1)];
    if (entry === 0) entry = findLong(literals, bits);
    const symbol = entry >> 4;
    bits >>>= entry & 15;
    held -= entry & 15;
    if (symbol < 256) {
      if (entry === 0 || end === room) return -1;
      bytes[end++] = symbol;
      continue;
    }
    if (symbol === 256) break;
    if (symbol > 285) return -1;
    const more = LENGTHS.extra[symbol - 257];
    const length = LENGTHS.base[symbol - 257] + (bits & ((1 << more) - 1));
    bits >>>= more;
    held -= more;

    while (held <= 24) {
      if (at < last) bits |= packed[at] << held;
      at++;
      held += 8;
    }
    entry = distances.fast[bits & ((1 << FAST_BITS) - 1)];
    if (entry === 0) entry = findLong(distances, bits);
    if (entry === 0) return -1;
    bits >>>= entry & 15;
    held -= entry & 15;
    const far = entry >> 4;
    if (far > 29) return -1;
    const rest = DISTANCES.extra[far];
    while (held < rest) {
      if (at < last) bits |= packed[at] << held;
      at++;
      held += 8;
    }
    const distance = DISTANCES.base[far] + (bits & ((1 << rest) - 1));
    bits >>>= rest;
    held -= rest;

    const to = end + length;
    if (distance > end || to > room) return -1;
    if (length >= LONG) {
      if (distance >= length) {
        bytes.copyWithin(end, end - distance, to - distance);
        end = to;
      } else if (distance <= 4 && distance !== 3) {
        end = repeat(end, to, { bytes, words, distance });
      }
    }
    while (end < to) {
      bytes[end] = bytes[end - distance];
      end++;
    }
  }
  reader.at = at;
  reader.bits = bits;
  reader.held = held;
  return end;
}

/** Repeat 1, 2 or 4 bytes, a word at a time; returns where bytes are left. */
function repeat(
  end: number,
  to: number,
  { bytes, words, distance }: Unpacked & { distance: number },
): number {
  // a whole word of the pattern, at the place of a word
  for (const whole = end + 4; end < whole || (end & 3) !== 0; end++) {
    bytes[end] = bytes[end - distance];
  }
  words.fill(words[(end >> 2) - 1], end >> 2, to >> 2);
  return to & ~3;
}

/** A code longer than `FAST_BITS`: symbol << 4 | length; 0 where there is none. */
function findLong({ counts, symbols }: Code, bits: number): number {
  let code = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length <= MAX_BITS; length++) {
    code |= bits & 1;
    bits >>>= 1;
    const count = counts[length];
    if (code - count < first) {
      return (symbols[index + code - first] << 4) | length;
    }
    index += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  return 0;
}

/** The codes of a block that tells them. */
function readCodes(reader: Reader) {
  const literals = take(reader, 5) + 257;
  const distances = take(reader, 5) + 1;
  const told = take(reader, 4) + 4;
  const lengths = new Uint8Array(19);
  for (let i = 0; i < told; i++) lengths[ORDER[i]] = take(reader, 3);
  const code = makeCode(lengths);
  if (code === undefined) return undefined;
  const all = new Uint8Array(literals + distances);
  for (let i = 0; i < all.length;) {
    const symbol = readSymbol(reader, code);
    if (symbol < 0) return undefined;
    if (symbol < 16) {
      all[i++] = symbol;
      continue;
    }
    const [least, bits] = symbol === 16
      ? [3, 2]
      : symbol === 17
      ? [3, 3]
      : [11, 7];
    const times = least + take(reader, bits);
    if (i + times > all.length || (symbol === 16 && i === 0)) return undefined;
    all.fill(symbol === 16 ? all[i - 1] : 0, i, i + times);
    i += times;
  }
  const made = {
    literals: makeCode(all.subarray(0, literals)),
    distances: makeCode(all.subarray(literals)),
  };
  return made.literals && made.distances
    ? { literals: made.literals, distances: made.distances }
    : undefined;
}

function readSymbol(reader: Reader, code: Code): number {
  while (reader.held < MAX_BITS) {
    reader.bits |= (reader.packed[reader.at++] ?? 0) << reader.held;
    reader.held += 8;
  }
  const entry = code.fast[reader.bits & ((1 << FAST_BITS) - 1)] ||
    findLong(code, reader.bits);
  if (entry === 0) return -1;
  reader.bits >>>= entry & 15;
  reader.held -= entry & 15;
  return entry >> 4;
}

/** A code by the lengths of its symbols; undefined where there are too many. */
function makeCode(lengths: Uint8Array): Code | undefined {
  const counts = new Uint16Array(MAX_BITS + 1);
  for (const length of lengths) counts[length]++;
  counts[0] = 0;
  const next = new Uint16Array(MAX_BITS + 2);
  const places = new Uint16Array(MAX_BITS + 2);
  for (let length = 1; length <= MAX_BITS; length++) {
    if (next[length] + counts[length] > 1 << length) return undefined;
    next[length + 1] = (next[length] + counts[length]) << 1;
    places[length + 1] = places[length] + counts[length];
  }
  const symbols = new Uint16Array(lengths.length);
  const fast = new Uint16Array(1 << FAST_BITS);
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) continue;
    symbols[places[length]++] = symbol;
    const code = next[length]++;
    if (length > FAST_BITS) continue;
    // codes come with their first bit lowest
    let turned = 0;
    for (let b = 0; b < length; b++) {
      turned |= ((code >> b) & 1) << (length - 1 - b);
    }
    for (let i = turned; i < fast.length; i += 1 << length) {
      fast[i] = (symbol << 4) | length;
    }
  }
  return { fast, counts, symbols };
}

/** Bases that grow by 2^extra; groups of symbols, each with a bit more. */
function bases(groups: readonly number[], first: number, last?: number) {
  const extra = groups.flatMap((count, bits) =>
    new Array<number>(count).fill(bits)
  );
  const base: number[] = [];
  for (let i = 0, at = first; i < extra.length; at += 1 << extra[i++]) {
    base.push(at);
  }
  if (last !== undefined) {
    // the longest has a symbol of its own
    base.push(last);
    extra.push(0);
  }
  return { base: Uint16Array.from(base), extra: Uint8Array.from(extra) };
}

const FIXED = {
  literals: makeCode(Uint8Array.from(
    { length: 288 },
    (_, symbol) => symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
  )) as Code,
  distances: makeCode(new Uint8Array(30).fill(5)) as Code,
};
