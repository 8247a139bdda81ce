/**
 * Zip files, read entry by entry within limits; nothing is ever written to a
 * path that a zip names.
 *
 * @module
 */
import { CorruptImageError, UnsupportedFormatError } from "../errors.ts";
import { inflate } from "./inflate.ts";
import { createBudget, type DecodeLimits } from "./limits.ts";

/** Entries that are listed at most: Zarr chunks, or one ROI a cell. */
const MAX_ENTRIES = 2 ** 20;
/** What stands where a value needs 64 bits. */
const WIDE = 0xffff_ffff;
/** Bytes of one entry at most, where limits do not say less. */
const MAX_ENTRY_BYTES = 2 ** 31;

/** A zip file whose directory is read. */
export interface ZipFile {
  /** Names of files; folders are left out. */
  readonly names: readonly string[];
  /** Unpack one file. @throws {CorruptImageError} */
  readonly read: (name: string) => Uint8Array;
}

interface Entry {
  readonly method: number;
  readonly packed: Uint8Array;
  readonly bytes: number;
}

/**
 * Read the directory of a zip file.
 *
 * @throws {CorruptImageError} if it is broken, or names lead out of it
 * @throws {UnsupportedFormatError} for encryption and other methods
 * @throws {ImageTooLargeError} if an entry, or all together, claim too much
 *
 * Source: PKWARE APPNOTE 6.3.10 §4.3 and §4.5.3 (zip64).
 */
export function readZip(
  bytes: Uint8Array,
  limits: Partial<DecodeLimits> = {},
): ZipFile {
  const entries = new Map<string, Entry>();
  let claimed = 0;
  for (const entry of listEntries(bytes)) {
    claimed += entry.bytes;
    entries.set(entry.name, entry);
  }
  if (claimed > 0) {
    createBudget(limits).checkSize({
      samples: claimed,
      bytesPerSample: 1,
      encodedBytes: bytes.length,
    });
  }
  return {
    names: [...entries.keys()],
    read: (name) => {
      const entry = entries.get(name);
      if (entry === undefined) {
        throw new CorruptImageError("zip", `it has no ${name}`);
      }
      if (entry.method === 0) return entry.packed;
      return inflate(entry.packed, entry.bytes, {
        wrapper: "none",
        format: "zip",
      });
    },
  };
}

/** Files of a zip by name, as Zarr's stores are read; undefined if no Zarr. */
export function zipStore(
  zip: ZipFile,
): { get: (key: string) => Promise<Uint8Array | undefined> } | undefined {
  const root = zip.names
    .filter((name) => /(^|\/)(zarr\.json|\.zgroup|\.zarray)$/.test(name))
    .map((name) => name.slice(0, name.lastIndexOf("/") + 1))
    .sort((a, b) => a.length - b.length)[0];
  if (root === undefined) return undefined;
  const names = new Set(zip.names);
  return {
    get: (key) => {
      const name = root + key.replace(/^\//, "");
      return Promise.resolve(names.has(name) ? zip.read(name) : undefined);
    },
  };
}

function* listEntries(bytes: Uint8Array): Generator<Entry & { name: string }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { count, at: start } = findDirectory(view);
  let at = start;
  const utf8 = new TextDecoder();
  if (count > MAX_ENTRIES) throw corrupt(`it has ${count} entries`);
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50) {
      throw corrupt("its directory is broken", at);
    }
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const skipped = extraBytes + view.getUint16(at + 32, true);
    const name = utf8.decode(bytes.subarray(at + 46, at + 46 + nameBytes));
    const { packedBytes, size, local } = readFacts(view, at, {
      from: at + 46 + nameBytes,
      to: at + 46 + nameBytes + extraBytes,
    });
    at += 46 + nameBytes + skipped;
    checkName(name);
    if (name.endsWith("/")) continue;
    if ((flags & 1) !== 0) {
      throw new UnsupportedFormatError("An encrypted zip", ["open ones"]);
    }
    if (method !== 0 && method !== 8) {
      throw new UnsupportedFormatError(`zip method ${method}`, [
        "stored",
        "Deflate",
      ]);
    }
    if (size > MAX_ENTRY_BYTES) throw corrupt(`${name} claims ${size} bytes`);
    if (
      local + 30 > bytes.length || view.getUint32(local, true) !== 0x04034b50
    ) {
      throw corrupt(`${name} is not where the directory tells`, local);
    }
    const start = local + 30 + view.getUint16(local + 26, true) +
      view.getUint16(local + 28, true);
    if (
      start + packedBytes > bytes.length ||
      (method === 0 && packedBytes !== size)
    ) {
      throw corrupt(`${name} is cut short`, local);
    }
    const packed = bytes.subarray(start, start + packedBytes);
    yield { name, method, packed, bytes: size };
  }
}

/** Where the directory begins, and its entries. */
function findDirectory(view: DataView): { count: number; at: number } {
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  const at = view.getUint32(end + 16, true);
  if (count !== 0xffff && at !== WIDE) return { count, at };
  // values that do not fit are in a record of their own, of 64 bits
  const locator = end - 20;
  if (locator < 0 || view.getUint32(locator, true) !== 0x07064b50) {
    return { count, at };
  }
  const record = readWide(view, locator + 8);
  if (
    record + 56 > view.byteLength ||
    view.getUint32(record, true) !== 0x06064b50
  ) {
    throw corrupt("its zip64 record is not where its end tells", locator);
  }
  return {
    count: readWide(view, record + 32),
    at: readWide(view, record + 48),
  };
}

/** Sizes and place of an entry; those of 64 bits are in its extra field. */
function readFacts(
  view: DataView,
  at: number,
  extra: { readonly from: number; readonly to: number },
) {
  const values = [24, 20, 42].map((offset) =>
    view.getUint32(at + offset, true)
  );
  if (values.includes(WIDE)) {
    let [field, end] = [extra.from, extra.from];
    while (field + 4 <= extra.to && field + 4 <= view.byteLength) {
      end = field + 4 + view.getUint16(field + 2, true);
      if (view.getUint16(field, true) === 1) break;
      field = end;
    }
    let next = field + 4;
    for (const [i, value] of values.entries()) {
      if (value !== WIDE) continue;
      if (next + 8 > Math.min(end, extra.to)) {
        throw corrupt("an entry lacks its sizes of 64 bits", at);
      }
      values[i] = readWide(view, next);
      next += 8;
    }
  }
  const [size, packedBytes, local] = values;
  return { size, packedBytes, local };
}

/** 64 bits; too large for any file where they are not exact. */
function readWide(view: DataView, at: number): number {
  if (at + 8 > view.byteLength) throw corrupt("it is cut short", at);
  return Number(view.getBigUint64(at, true));
}

function findEnd(view: DataView): number {
  // a comment of up to 64 KiB may follow
  const last = view.byteLength - 22;
  for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
    if (view.getUint32(at, true) === 0x06054b50) return at;
  }
  throw corrupt("it has no directory");
}

function checkName(name: string): void {
  const isOutside = name.split(/[/\\]/).includes("..") ||
    /^[/\\]|^[A-Za-z]:/.test(name) || name.includes("\0");
  if (isOutside) {
    throw corrupt(`the name ${JSON.stringify(name)} leads out of it`);
  }
}

function corrupt(detail: string, offset?: number): CorruptImageError {
  return new CorruptImageError(
    "zip",
    detail,
    offset === undefined ? {} : { offset },
  );
}
