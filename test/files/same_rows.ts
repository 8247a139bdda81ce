/** Compare an opened image with a decoded one, band by band. */
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
  const { data: __, ...wanted } = decoded;
  expect(facts).toEqual(wanted);
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
      expect(readRows(core, band, 0, count))
        .toEqual(readRows(core, plane, top, count));
      expect(band.data.constructor).toBe(decoded.data.constructor);
    }
  }
}
