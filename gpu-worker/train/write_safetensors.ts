/**
 * Write a .safetensors file: a JSON header, then raw f32 tensors.
 *
 * Source: the format's README (header length, header padded to 8 bytes, data).
 *
 * @module
 */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import type { StateTensor } from "./trainer_port.ts";

/**
 * Write tensors so that the file is there whole or not at all.
 *
 * @param path      its former content stays until the new one is on the disk
 * @param tensors   by name, in this order
 * @param metadata  texts by name
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, StateTensor>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const entries: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [name, { shape, data }] of tensors) {
    const start = end;
    end += data.byteLength;
    entries[name] = { dtype: "F32", shape, data_offsets: [start, end] };
  }
  const text = JSON.stringify(entries);
  const bytes = new TextEncoder().encode(text);
  const length = Math.ceil(bytes.length / 8) * 8;
  const head = new Uint8Array(8 + length).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(bytes, 8);
  const part = `${path}.part`;
  const file = openSync(part, "w");
  try {
    writeAll(file, head);
    for (const { data } of tensors.values()) {
      writeAll(
        file,
        new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      );
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(part, path);
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    at += writeSync(file, bytes, at, bytes.length - at);
  }
}
