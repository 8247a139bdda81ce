/**
 * Write tensors as a .safetensors file, which the importer reads again.
 *
 * Source: the format's README (header length, header, data; offsets count
 * from the data's start, the header is padded with spaces).
 *
 * @module
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { UnsupportedFormatError } from "../../shared/errors.ts";
import { countBytes } from "../../shared/graph/mod.ts";
import { NAMES } from "./read_safetensors.ts";
import type { Tensor, Tensors } from "./tensors.ts";

/** The data begins at a multiple of this. */
const ALIGNMENT = 8;

/**
 * Write a file; one tensor is in memory at a time.
 *
 * @throws {UnsupportedFormatError} for a dtype that the format does not have
 */
export function writeSafetensors(path: string, tensors: Tensors): void {
  const header = encodeHeader(tensors);
  const file = openSync(path, "w");
  try {
    writeAll(file, header);
    for (const tensor of tensors.values()) writeAll(file, tensor.read());
  } finally {
    closeSync(file);
  }
}

function encodeHeader(tensors: Tensors): Uint8Array {
  const entries: Record<string, unknown> = {};
  let at = 0;
  for (const [name, tensor] of tensors) {
    const end = at + countBytes(tensor);
    entries[name] = {
      dtype: nameOf(tensor),
      shape: tensor.shape,
      data_offsets: [at, end],
    };
    at = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(entries));
  const length = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, 8);
  return header;
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    at += writeSync(file, bytes, at, bytes.length - at);
  }
}

function nameOf({ dtype }: Tensor): string {
  const found = Object.entries(NAMES).find(([, known]) => known === dtype);
  if (found) return found[0];
  throw new UnsupportedFormatError(
    `A tensor of ${dtype}`,
    Object.values(NAMES),
  );
}
