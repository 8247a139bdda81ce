/**
 * Write small zip archives and pickles, right ones and wrong ones.
 *
 * @module
 */
import { deflateRawSync } from "node:zlib";

/** A file to pack. */
export interface Part {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly isDeflated?: boolean;
  /** Size that the archive claims, if it is to lie. */
  readonly claimed?: number;
  /** Store sizes and place in a zip64 field. */
  readonly isWide?: boolean;
}

/** Pack files. */
export function pack(parts: readonly Part[]): Uint8Array {
  const locals: Uint8Array[] = [];
  const entries: Uint8Array[] = [];
  let offset = 0;
  for (const part of parts) {
    const name = new TextEncoder().encode(part.name);
    const body = part.isDeflated ? deflateRawSync(part.bytes) : part.bytes;
    const size = part.claimed ?? part.bytes.length;
    const method = part.isDeflated ? 8 : 0;
    const local = join(
      u32(0x04034b50),
      u16(20, 0, method, 0, 0),
      u32(0, body.length, size),
      u16(name.length, 0),
      name,
      body,
    );
    const wide = part.isWide
      ? join(u16(1, 24), u64(size, body.length, offset))
      : new Uint8Array(0);
    const full = 0xffffffff;
    entries.push(join(
      u32(0x02014b50),
      u16(20, 20, 0, method, 0, 0),
      u32(0),
      part.isWide ? u32(full, full) : u32(body.length, size),
      u16(name.length, wide.length, 0, 0, 0),
      u32(0, part.isWide ? full : offset),
      name,
      wide,
    ));
    locals.push(local);
    offset += local.length;
  }
  const directory = join(...entries);
  return join(
    ...locals,
    directory,
    u32(0x06054b50),
    u16(0, 0, parts.length, parts.length),
    u32(directory.length, offset),
    u16(0),
  );
}

/** One after another. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Text as bytes. */
export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function u16(...values: number[]): Uint8Array {
  return new Uint8Array(Uint16Array.from(values).buffer);
}

function u32(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

function u64(...values: number[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(values, BigInt).buffer);
}
