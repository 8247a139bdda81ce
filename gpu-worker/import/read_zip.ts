/**
 * Read a zip archive by its central directory, entries on demand.
 *
 * Own code: the npm packages hold a whole archive in memory, or lack reading
 * a part of a stored entry, which is what keeps a checkpoint out of memory.
 *
 * Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3 (zip64).
 *
 * @module
 */
import { inflateRawSync } from "node:zlib";
import {
  CorruptImageError,
  UnsupportedFormatError,
} from "../../shared/errors.ts";
import type { ByteSource } from "./byte_source.ts";

/** A file in an archive. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes when unpacked. */
  readonly size: number;
  /** A part of the unpacked bytes; without arguments, all. */
  read(offset?: number, length?: number): Uint8Array<ArrayBuffer>;
}

const END_BYTES = 22;
const MAX_COMMENT_BYTES = 65535;
/** One a tensor: far more than a network has. */
const MAX_ENTRIES = 100_000;
/** Deflate cannot do better than 1032 : 1. */
const MAX_RATIO = 1032;
/** Compressed entries are unpacked whole, so they must fit memory. */
const MAX_UNPACKED_BYTES = 2 ** 31;

/**
 * List an archive.
 *
 * @returns  entries by name, folders left out
 * @throws {UnsupportedFormatError} if it is no zip, is split, encrypted, or
 *   compressed otherwise than by deflate
 * @throws {CorruptImageError} if it is cut short or contradicts itself, or a
 *   name would leave the folder it is unpacked to
 */
export function readZip(source: ByteSource): Map<string, ZipEntry> {
  const { count, bytes, offset } = findDirectory(source);
  if (count > MAX_ENTRIES) throw corrupt(`it lists ${count} entries`, offset);
  const directory = source.read(offset, bytes);
  const view = viewOf(directory);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes || view.getUint32(at, true) !== 0x02014b50) {
      throw corrupt(`entry ${i} is missing`, offset + at);
    }
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const commentBytes = view.getUint16(at + 32, true);
    const end = at + 46 + nameBytes + extraBytes + commentBytes;
    if (end > bytes) throw corrupt(`entry ${i} is cut short`, offset + at);
    const name = readName(directory.subarray(at + 46, at + 46 + nameBytes));
    const extra = directory.subarray(
      at + 46 + nameBytes,
      at + 46 + nameBytes + extraBytes,
    );
    const facts = readFacts(view, at, extra);
    if (!name.endsWith("/")) {
      if (entries.has(name)) throw corrupt(`${name} is listed twice`, at);
      entries.set(name, openEntry(source, name, facts));
    }
    at = end;
  }
  return entries;
}

interface Facts {
  readonly flags: number;
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  readonly header: number;
}

function findDirectory(source: ByteSource) {
  const tailBytes = Math.min(source.size, END_BYTES + MAX_COMMENT_BYTES);
  const start = source.size - tailBytes;
  const tail = source.read(start, tailBytes);
  const view = viewOf(tail);
  for (let at = tailBytes - END_BYTES; at >= 0; at--) {
    if (view.getUint32(at, true) !== 0x06054b50) continue;
    if (view.getUint16(at + 20, true) !== tailBytes - END_BYTES - at) continue;
    const end = {
      disk: view.getUint16(at + 4, true),
      count: view.getUint16(at + 10, true),
      bytes: view.getUint32(at + 12, true),
      offset: view.getUint32(at + 16, true),
    };
    const isWide = end.count === 0xffff || end.bytes === 0xffffffff ||
      end.offset === 0xffffffff;
    if (isWide && start + at >= 20) {
      return findWideDirectory(source, start + at);
    }
    if (end.disk !== 0) throw unsupported("A split zip archive");
    if (end.offset + end.bytes > start + at) {
      throw corrupt("its directory lies past its end", start + at);
    }
    return end;
  }
  const head = source.read(0, Math.min(4, source.size));
  if (head[0] === 0x50 && head[1] === 0x4b) {
    throw corrupt("it is cut short: the directory at its end is missing");
  }
  throw unsupported("A file without zip directory");
}

function findWideDirectory(source: ByteSource, end: number) {
  const locator = viewOf(source.read(end - 20, 20));
  if (locator.getUint32(0, true) !== 0x07064b50) {
    throw corrupt("its zip64 locator is missing", end - 20);
  }
  const at = readUint64(locator, 8);
  const record = viewOf(source.read(at, 56));
  if (record.getUint32(0, true) !== 0x06064b50) {
    throw corrupt("its zip64 record is missing", at);
  }
  return {
    count: readUint64(record, 32),
    bytes: readUint64(record, 40),
    offset: readUint64(record, 48),
  };
}

function readName(bytes: Uint8Array): string {
  const name = new TextDecoder().decode(bytes);
  const isUnsafe = name === "" || name.startsWith("/") ||
    /[\\\0]|^[a-z]:/i.test(name) ||
    name.split("/").some((part) => part === "..");
  if (isUnsafe) {
    throw corrupt(`the name ${JSON.stringify(name)} leaves the archive`);
  }
  return name;
}

function readFacts(view: DataView, at: number, extra: Uint8Array): Facts {
  let packed = view.getUint32(at + 20, true);
  let size = view.getUint32(at + 24, true);
  let header = view.getUint32(at + 42, true);
  // the zip64 field holds those that did not fit, in this order
  const wide = wideField(extra);
  let field = 0;
  const next = () => {
    if (!wide || field + 8 > wide.byteLength) {
      throw corrupt("a zip64 field is missing", at);
    }
    field += 8;
    return readUint64(wide, field - 8);
  };
  if (size === 0xffffffff) size = next();
  if (packed === 0xffffffff) packed = next();
  if (header === 0xffffffff) header = next();
  return {
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    packed,
    size,
    header,
  };
}

function wideField(extra: Uint8Array): DataView | null {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length;) {
    const bytes = view.getUint16(at + 2, true);
    if (at + 4 + bytes > extra.length) return null;
    if (view.getUint16(at, true) === 1) {
      return viewOf(extra.subarray(at + 4, at + 4 + bytes));
    }
    at += 4 + bytes;
  }
  return null;
}

function openEntry(source: ByteSource, name: string, facts: Facts): ZipEntry {
  const { flags, method, packed, size, header } = facts;
  if (flags & 1) throw unsupported(`An encrypted zip archive (${name})`);
  if (method !== 0 && method !== 8) {
    throw unsupported(`Zip compression ${method} (${name})`);
  }
  if (header + 30 + packed > source.size) {
    throw corrupt(`${name} is cut short`, header);
  }
  if (method === 0 && packed !== size) {
    throw corrupt(`${name} is stored, yet ${packed} and ${size} bytes`, header);
  }
  if (method === 8 && size > MAX_UNPACKED_BYTES) {
    throw corrupt(`${name} unpacks to ${size} bytes`, header);
  }
  if (method === 8 && size > packed * MAX_RATIO + 64) {
    throw corrupt(`${name} claims ${size} bytes of ${packed}`, header);
  }
  const start = () => {
    const view = viewOf(source.read(header, 30));
    if (view.getUint32(0, true) !== 0x04034b50) {
      throw corrupt(`${name} has no header`, header);
    }
    return header + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  };
  return {
    name,
    size,
    read(offset = 0, length = size - offset) {
      if (offset < 0 || length < 0 || offset + length > size) {
        throw corrupt(
          `${length} bytes are needed from ${offset} of ${name}, it has ${size}`,
          header,
        );
      }
      if (method === 0) return source.read(start() + offset, length);
      const all = inflate(name, source.read(start(), packed), size);
      return Uint8Array.from(all.subarray(offset, offset + length));
    },
  };
}

function inflate(name: string, packed: Uint8Array, size: number): Uint8Array {
  let out: Uint8Array;
  try {
    out = inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) });
  } catch (cause) {
    throw new CorruptImageError("zip", `${name} does not unpack`, { cause });
  }
  if (out.length === size) return out;
  throw corrupt(`${name} unpacks to ${out.length} bytes, not ${size}`);
}

function readUint64(view: DataView, at: number): number {
  const value = Number(view.getBigUint64(at, true));
  if (!Number.isSafeInteger(value)) throw corrupt(`a size is ${value}`, at);
  return value;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function corrupt(detail: string, offset?: number): CorruptImageError {
  return new CorruptImageError(
    "zip",
    detail,
    offset === undefined ? {} : { offset },
  );
}

function unsupported(found: string): UnsupportedFormatError {
  return new UnsupportedFormatError(found, ["whole zip", "stored", "deflate"]);
}
