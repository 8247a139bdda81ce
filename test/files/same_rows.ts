/** Compare an opened image with a decoded one, band by band. */
import { Buffer } from "node:buffer";
import { expect } from "vitest";
import type { DecodedArray } from "../../shared/image/decoded.ts";
import type { OpenedImage } from "../../shared/image/open.ts";
import { layOutPlanes, readRows } from "../../shared/pipeline/planes.ts";
import { core } from "../core.ts";

export async function expectSameRows(
  opened: OpenedImage,
  decoded: DecodedArray,
): Promise<void> {
  const { readBand, size, channels, depth, isBanded: _, ...facts } = opened;
  const { data: __, ...rest } = decoded;
  expect(facts).toEqual(rest);
  const planes = layOutPlanes(decoded);
  expect([depth, size, channels]).toEqual([
    planes.length,
    planes[0].size,
    planes[0].channels,
  ]);
  const { height } = size;
  const thirds = Math.max(1, Math.floor(height / 3));
  const bands = [[0, height], [0, 1], [height - 1, 1], [thirds - 1, thirds]];
  for (const [z, plane] of planes.entries()) {
    for (const [top, count] of bands) {
      const [band] = layOutPlanes(await readBand(z, top, count));
      const rows = readRows(core, band, 0, count);
      const wanted = readRows(core, plane, top, count);
      // far faster than a comparison that can tell where
      const isSame = Buffer.compare(bytesOf(rows), bytesOf(wanted)) === 0;
      expect(isSame, `rows ${top} to ${top + count} of plane ${z}`).toBe(true);
      expect(band.data.constructor).toBe(decoded.data.constructor);
    }
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
