/** Rows of opened files are those of the decoded ones. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { decodeImage } from "../shared/image/decode.ts";
import { openFile } from "../shared/image/file_source.ts";
import { encodeNpy } from "../shared/image/npy.ts";
import { openDecoded, openImage } from "../shared/image/open.ts";
import { encodePng } from "../shared/image/png.ts";
import { cacheRows } from "../shared/image/row_cache.ts";
import { openTiff } from "../shared/image/tiff.ts";
import { encodeTiff, streamTiff } from "../shared/image/tiff_write.ts";
import { expectSameRows } from "./files/same_rows.ts";

const folder = mkdtempSync(join(tmpdir(), "cytoedge-open-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ramp = <T extends Uint8Array | Uint16Array | Float32Array>(
  type: { new (length: number): T },
  shape: readonly number[],
) => {
  const data = new type(shape.reduce((a, b) => a * b));
  for (let i = 0; i < data.length; i++) data[i] = i * 7919 % 251;
  return { data, shape };
};

/** An uncompressed TIFF of one strip, as older programs write it. */
function plainTiff(height: number, width: number, isLittle: boolean) {
  const out = new Uint8Array(8 + 2 + 10 * 12 + 4 + height * width * 2);
  const view = new DataView(out.buffer);
  out.set(isLittle ? [0x49, 0x49] : [0x4d, 0x4d]);
  view.setUint16(2, 42, isLittle);
  view.setUint32(4, 8, isLittle);
  const data = 8 + 2 + 10 * 12 + 4;
  const fields = [
    [256, width],
    [257, height],
    [258, 16],
    [259, 1],
    [262, 0],
    [273, data],
    [277, 1],
    [278, height],
    [279, height * width * 2],
    [339, 1],
  ];
  view.setUint16(8, fields.length, isLittle);
  for (const [i, [tag, value]] of fields.entries()) {
    const at = 10 + 12 * i;
    view.setUint16(at, tag, isLittle);
    view.setUint16(at + 2, 4, isLittle);
    view.setUint32(at + 4, 1, isLittle);
    view.setUint32(at + 8, value, isLittle);
  }
  for (let i = 0; i < height * width; i++) {
    view.setUint16(data + 2 * i, i % 60_000, isLittle);
  }
  return out;
}

const FILES: Record<string, Uint8Array> = {
  "gray.tif": encodeTiff({ ...ramp(Uint16Array, [300, 2000]), axes: "YX" }),
  "rgb.tif": encodeTiff({ ...ramp(Uint8Array, [400, 900, 3]), axes: "YXC" }),
  "stack.tif": encodeTiff({
    ...ramp(Uint8Array, [2, 3, 70, 50]),
    axes: "TCYX",
  }),
  "float.tif": encodeTiff({ ...ramp(Float32Array, [90, 31]), axes: "YX" }),
  "one_strip.tif": plainTiff(2100, 1100, true),
  "one_strip_big_endian.tif": plainTiff(2100, 1100, false),
  "gray.npy": encodeNpy(ramp(Uint16Array, [130, 41]).data, [130, 41]),
  "stack.npy": encodeNpy(ramp(Float32Array, [4, 33, 21]).data, [4, 33, 21]),
  "wide.npy": encodeNpy(BigInt64Array.of(1n, 2n, 3n, 70_000n), [2, 2]),
  "gray.png": encodePng({
    data: ramp(Uint8Array, [50, 40]).data,
    size: { height: 50, width: 40 },
    channels: 1,
  }),
};

test.each(Object.keys(FILES))(
  "openImage() gives the rows of %s that decodeImage() gives",
  async (name) => {
    const path = join(folder, name);
    writeFileSync(path, FILES[name]);
    const file = openFile(path);
    try {
      const options = name === "stack.npy" ? { axes: "ZYX" } : {};
      const opened = await openImage(file, options);
      expect(opened.isBanded).toBe(!/png|wide/.test(name));
      const decoded = await decodeImage(FILES[name], options);
      await expectSameRows(opened, decoded);
      await expectSameRows(openDecoded(decoded), decoded);
    } finally {
      file.close();
    }
  },
);

test.each(Object.keys(FILES).filter((name) => name.endsWith(".tif")))(
  "visitRows() gives all rows of each page of %s, in order",
  async (name) => {
    const tiff = openTiff(FILES[name]);
    for (const [i, { height }] of tiff.pages.entries()) {
      const seen: number[] = [];
      await tiff.visitRows(i, (samples) => {
        for (const value of samples) seen.push(value);
      });
      // not toEqual: millions of numbers
      const want = await tiff.readRows(i, 0, height);
      expect(seen).toHaveLength(want.length);
      expect(want.every((value, k) => value === seen[k])).toBe(true);
    }
  },
);

test("visitRows() throws at a strip that is broken, after those before it", async () => {
  const bytes = FILES["gray.tif"].slice();
  const [{ offsets, byteCounts, block, width }] = openTiff(bytes).pages;
  expect(offsets.length).toBeGreaterThan(2);
  bytes.fill(0xff, offsets[1], offsets[1] + byteCounts[1]);
  let seen = 0;
  const visit = openTiff(bytes).visitRows(0, ({ length }) => {
    seen += length;
  });
  await expect(visit).rejects.toThrow(/tiff/i);
  expect(seen).toBe(block.height * width);
});

test("openImage() names what is wrong with the axes or the file", async () => {
  const npy = encodeNpy(new Uint8Array(24), [2, 3, 4]);
  const source = { length: npy.length, read: npy.subarray.bind(npy) };
  await expect(openImage(source, { axes: "YXZ" })).rejects.toThrow(/axes/);
  const tiff = FILES["gray.tif"].subarray(0, 5000);
  const cut = { length: tiff.length, read: tiff.subarray.bind(tiff) };
  await expect(openImage(cut)).rejects.toThrow(/tiff/i);
});

test("openFile() reads pieces and long ranges, and no more than there is", () => {
  const path = join(folder, "bytes");
  const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i % 253);
  writeFileSync(path, bytes);
  const file = openFile(path);
  for (
    const [from, to] of [[0, 4], [10, 12], [65_530, 65_540], [5, 150_000], [
      199_999,
      200_010,
    ], [3, 3]]
  ) {
    expect(file.read(from, to)).toEqual(bytes.subarray(from, to));
  }
  file.close();
});

test("cacheRows() unpacks a block once while bands go down the image", async () => {
  const read: number[] = [];
  const rows = cacheRows({
    height: 1000,
    blockRows: 100,
    rowValues: 6,
    planes: 2,
    read: (_, top, count) => {
      read.push(top);
      const out = new Float32Array(count * 6);
      for (let i = 0; i < out.length; i++) {
        const plane = Math.floor(i / (3 * count));
        out[i] = plane * 1e6 + (top * 3 + i - plane * 3 * count);
      }
      return Promise.resolve(out);
    },
  });
  for (let top = 0; top + 150 <= 1000; top += 70) {
    const band = await rows(0, top, 150);
    expect(band[0]).toBe(top * 3);
    expect(band[449]).toBe(top * 3 + 449);
    expect(band[450]).toBe(1e6 + top * 3);
    expect(band[899]).toBe(1e6 + top * 3 + 449);
  }
  expect(read).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
});

test.each([[false], [true]])(
  "streamTiff() writes what encodeTiff() does, or BigTIFF: %s",
  async (isBig) => {
    const image = ramp(Uint16Array, [2, 700, 333]);
    const source = {
      axes: "ZYX",
      shape: image.shape,
      pixelSize: { y: 0.5, x: 0.25 },
    };
    const out = new Uint8Array(2_000_000);
    let end = 0;
    await streamTiff({
      ...source,
      isBig,
      like: new Uint16Array(0),
      readRows: (page, top, count) => {
        const from = (page * 700 + top) * 333;
        return image.data.slice(from, from + count * 333);
      },
    }, (at, bytes) => {
      out.set(bytes, at);
      end = Math.max(end, at + bytes.length);
    });
    const written = out.subarray(0, end);
    expect(written[2]).toBe(isBig ? 43 : 42);
    const whole = encodeTiff({ ...source, data: image.data });
    if (!isBig) expect(written).toEqual(whole);
    expect(await decodeImage(written)).toEqual(await decodeImage(whole));
  },
);
