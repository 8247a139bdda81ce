/**
 * A row of bits as text: which images of a job are settled.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** `count` bits, all 0. */
export function emptyBits(count: number): Uint8Array {
  return new Uint8Array((count + 7) >> 3);
}

/** Bits of a text. */
export function readBits(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

/** Bits as base64. */
export function writeBits(bits: Uint8Array): string {
  return Buffer.from(bits).toString("base64");
}

export function hasBit(bits: Uint8Array, at: number): boolean {
  return ((bits[at >> 3] >> (at & 7)) & 1) === 1;
}

export function setBit(bits: Uint8Array, at: number): void {
  bits[at >> 3] |= 1 << (at & 7);
}

/** How many are 1. */
export function countBits(bits: Uint8Array): number {
  let count = 0;
  for (let byte of bits) {
    for (; byte !== 0; byte &= byte - 1) count++;
  }
  return count;
}
