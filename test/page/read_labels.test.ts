/** Label files as the page's worker reads them: packed, row by row. */
import { expect, test } from "vitest";
import { readLabels } from "../../edge/web/work/labels.ts";
import { unpack } from "../../edge/web/edit/packed.ts";
import { encodeLabelPng, encodeLabelTiff } from "../../shared/image/labels.ts";
import { encodeTiff } from "../../shared/image/tiff_write.ts";

const size = { height: 300, width: 500 };

/** Labels up to `top`, in columns. */
function columns(top: number): Uint32Array {
  return Uint32Array.from(
    { length: size.height * size.width },
    (_, i) => i % 500 < 20 ? top : Math.floor(i % 500 / 50),
  );
}

for (
  const [name, encode, top] of [
    ["TIFF of 16 bits", encodeLabelTiff, 60_000],
    ["TIFF of 32 bits", encodeLabelTiff, 70_000],
    ["PNG", encodeLabelPng, 12],
  ] as const
) {
  test(`readLabels() reads a ${name}`, async () => {
    const masks = columns(top);
    const bytes = new Uint8Array(encode({ masks, size }));
    const read = await readLabels({ bytes, size });
    expect(unpack(read.packed)).toEqual(masks);
    expect(read.count).toBe(new Set(masks).size - 1);
    expect(read.areas[top]).toBe(20 * 300);
    expect(read.areas).toHaveLength(top + 1);
    expect(read.warnings).toEqual([]);
  });
}

test("readLabels() tells labels of another size, a stack, and values that are none", async () => {
  const masks = columns(9);
  const bytes = () => new Uint8Array(encodeLabelTiff({ masks, size }));
  const other = { height: 500, width: 300 };
  await expect(readLabels({ bytes: bytes(), size: other }))
    .rejects.toThrow("300×500 pixels, the image has 500×300");
  const stack = encodeLabelTiff({
    masks: new Uint32Array(2 * masks.length),
    size: { depth: 2, ...size },
  });
  await expect(readLabels({ bytes: new Uint8Array(stack), size }))
    .rejects.toThrow("2 planes");
  const negative = encodeTiff({
    data: Int16Array.from(masks, (label) => -label),
    axes: "YX",
    shape: [300, 500],
  });
  await expect(readLabels({ bytes: new Uint8Array(negative), size }))
    .rejects.toThrow("no label");
});
