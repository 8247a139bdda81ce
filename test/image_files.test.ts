import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import {
  ArgumentError,
  CorruptImageError,
  ImageTooLargeError,
  isSegError,
  ShapeError,
  UnsupportedFormatError,
} from "../shared/errors.ts";
import { decodeNpy, encodeNpy, toLabels } from "../shared/image/npy.ts";
import { decodePng, encodePng } from "../shared/image/png.ts";
import { decodeTiff } from "../shared/image/tiff.ts";

const EXAMPLES = new URL("../examples/", import.meta.url);
const readExample = async (name: string) =>
  new Uint8Array(await readFile(new URL(name, EXAMPLES)));

/** A classic TIFF of one 2×3 page of u8 strips, byte order as given. */
function makeTiff(isLittle: boolean, tags: Record<number, number> = {}) {
  const out = new Uint8Array(200);
  const view = new DataView(out.buffer);
  out.set(isLittle ? [0x49, 0x49] : [0x4d, 0x4d]);
  view.setUint16(2, 42, isLittle);
  view.setUint32(4, 8, isLittle);
  const entries = Object.entries({
    256: 3,
    257: 2,
    258: 8,
    259: 1,
    262: 1,
    273: 180,
    277: 1,
    278: 2,
    279: 6,
    ...tags,
  });
  view.setUint16(8, entries.length, isLittle);
  entries.forEach(([tag, value], i) => {
    const at = 10 + 12 * i;
    view.setUint16(at, Number(tag), isLittle);
    view.setUint16(at + 2, 4, isLittle);
    view.setUint32(at + 4, 1, isLittle);
    view.setUint32(at + 8, value, isLittle);
  });
  out.set([1, 2, 3, 4, 5, 6], 180);
  return out;
}

test.each([
  ["nuclei_2d.tif", { height: 512, width: 512 }, 235],
  ["nuclei_2d_masks.tif", { height: 512, width: 512 }, 183],
  ["nuclei_3d.tif", { depth: 31, height: 61, width: 57 }, 375],
  ["nuclei_3d_masks.tif", { depth: 31, height: 61, width: 57 }, 162],
])("decodeTiff() reads %s", async (name, size, largest) => {
  const image = await decodeTiff(await readExample(name));
  expect(image.size).toEqual(size);
  expect(image.channels).toBe(1);
  expect(image.data).toBeInstanceOf(Uint16Array);
  let top = 0;
  for (const value of image.data) top = Math.max(top, value);
  expect(top).toBe(largest);
  expect(image.description).toMatch(/^{"shape": \[.*\]}$/);
});

test("decodeTiff() reads both byte orders and inverts white-is-zero", async () => {
  for (const isLittle of [true, false]) {
    const { data, size } = await decodeTiff(makeTiff(isLittle));
    expect([...data]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(size).toEqual({ height: 2, width: 3 });
  }
  const inverted = await decodeTiff(makeTiff(true, { 262: 0 }));
  expect([...inverted.data]).toEqual([254, 253, 252, 251, 250, 249]);
});

test("decodeTiff() names what is wrong with a file", async () => {
  const cyclic = makeTiff(true);
  new DataView(cyclic.buffer).setUint32(10 + 9 * 12, 8, true);
  await expect(decodeTiff(cyclic)).rejects.toThrow(/cycle/);
  const png = await readExample("cell.png");
  await expect(decodeTiff(png)).rejects.toThrow(UnsupportedFormatError);
  const cut = (await readExample("nuclei_2d.tif")).subarray(0, 1000);
  await expect(decodeTiff(cut)).rejects.toThrow(CorruptImageError);
  const huge = makeTiff(true, { 256: 2 ** 31, 257: 2 ** 31 });
  await expect(decodeTiff(huge)).rejects.toThrow(ImageTooLargeError);
});

test("decodePng() reads gray and RGB examples", async () => {
  const cell = await decodePng(await readExample("cell.png"));
  expect(cell.size).toEqual({ height: 660, width: 550 });
  expect(cell.channels).toBe(1);
  const ihc = await decodePng(await readExample("ihc.png"));
  expect(ihc.channels).toBe(3);
  expect(ihc.data.length).toBe(512 * 512 * 3);
});

test("encodePng() and decodePng() keep u8 and u16 samples of 1–4 channels", async () => {
  for (const type of [Uint8Array, Uint16Array]) {
    for (const channels of [1, 2, 3, 4]) {
      const top = 256 ** type.BYTES_PER_ELEMENT - 1;
      const data = new type(5 * 7 * channels)
        .map((_, i) => i % 2 === 0 ? top - i : i);
      const size = { height: 5, width: 7 };
      const back = await decodePng(encodePng({ data, size, channels }));
      expect(back).toEqual({ data, size, channels });
    }
  }
});

test("decodePng() scales gray below 8 bits and expands palettes", async () => {
  // 3×2, 2 bits gray: 0 1 2 / 3 2 1, and the same as a palette
  const gray = await decodePng(fromHex(GRAY_2_BITS));
  expect([...gray.data]).toEqual([0, 85, 170, 255, 170, 85]);
  const palette = await decodePng(fromHex(PALETTE_2_BITS));
  expect(palette.channels).toBe(3);
  expect([...palette.data.subarray(0, 6)]).toEqual([255, 0, 0, 0, 255, 0]);
});

test("decodePng() names what is wrong with a file", async () => {
  const png = await readExample("cell.png");
  await expect(decodePng(png.subarray(0, 5000))).rejects
    .toThrow(CorruptImageError);
  const flipped = png.slice();
  flipped[3000] ^= 1;
  await expect(decodePng(flipped)).rejects.toThrow(CorruptImageError);
  await expect(decodePng(new Uint8Array(9))).rejects
    .toThrow(UnsupportedFormatError);
  const volume = { depth: 1, height: 1, width: 1 };
  expect(() =>
    encodePng({ data: new Uint8Array(1), size: volume, channels: 1 })
  ).toThrow(ArgumentError);
});

test.each([
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  BigUint64Array,
  BigInt64Array,
  Float32Array,
  Float64Array,
])("encodeNpy() and decodeNpy() keep a %o", (type) => {
  const data = new type(6);
  data[1] = type === BigInt64Array ? -5n : type === BigUint64Array ? 5n : 5;
  for (const shape of [[6], [2, 3], [1, 2, 3], [3, 0, 2]]) {
    const part = data.slice(0, shape.reduce((a, b) => a * b));
    const bytes = encodeNpy(part, shape);
    expect(bytes.length % 64 - part.byteLength % 64).toBe(0);
    const back = decodeNpy(bytes);
    expect(back.shape).toEqual(shape);
    expect(back.data).toEqual(part);
  }
  expect(() => encodeNpy(data, [7])).toThrow(ShapeError);
});

/** A .npy file with any header. */
function makeNpy(header: string, data: number[], version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = version === 1
    ? [text.length, 0]
    : [text.length & 255, text.length >> 8, 0, 0];
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0];
  return new Uint8Array([...magic, ...length, ...text, ...data]);
}
const header = (descr: string, shape: string, order = "False") =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape}), }\n`;

test("decodeNpy() reads versions 2 and 3, bool, scalars", () => {
  for (const version of [1, 2, 3]) {
    const npy = decodeNpy(makeNpy(header("|b1", "2,"), [1, 0], version));
    expect(npy).toEqual({
      data: new Uint8Array([1, 0]),
      shape: [2],
      dtype: "|b1",
    });
  }
  const scalar = decodeNpy(makeNpy(header("<u2", ""), [7, 1]));
  expect(scalar.shape).toEqual([]);
  expect([...scalar.data as Uint16Array]).toEqual([263]);
});

test("decodeNpy() reads a Buffer, as node:fs gives it", () => {
  const file = encodeNpy(Int32Array.of(5, 6, 7), [3]);
  const npy = decodeNpy(Buffer.from(file));
  expect([...npy.data]).toEqual([5, 6, 7]);
});

test("decodeNpy() converts big-endian files and Fortran order", () => {
  const bytes = [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6];
  const big = decodeNpy(makeNpy(header(">i2", "2, 3"), bytes));
  expect([...big.data as Int16Array]).toEqual([1, 2, 3, 4, 5, 6]);
  const columns = decodeNpy(
    makeNpy(header("|u1", "2, 3", "True"), [1, 4, 2, 5, 3, 6]),
  );
  expect([...columns.data as Uint8Array]).toEqual([1, 2, 3, 4, 5, 6]);
});

test("decoders read Node's Buffers, which share memory with others", async () => {
  const npy = Buffer.concat([
    Buffer.from([9, 9, 9]),
    encodeNpy(new Float32Array([1.5, -2]), [2]),
  ]).subarray(3);
  expect([...decodeNpy(npy).data]).toEqual([1.5, -2]);
  const tiff = Buffer.concat([Buffer.from([9]), makeTiff(true)]).subarray(1);
  expect([...(await decodeTiff(tiff)).data]).toEqual([1, 2, 3, 4, 5, 6]);
  const image = {
    data: new Uint8Array([7]),
    size: { height: 1, width: 1 },
    channels: 1,
  };
  const png = Buffer.concat([Buffer.from([9]), encodePng(image)]).subarray(1);
  expect(await decodePng(png)).toEqual(image);
});

test("decodeNpy() names what is wrong with a file", () => {
  const corrupt = [
    makeNpy(header("<f4", "2, 3"), [0, 0, 0]),
    makeNpy("{'descr': '<f4'}", []),
    makeNpy(header("<f4", "2,"), []).subarray(0, 20),
    makeNpy(header("<f8", "99999999, 99999999, 99999999"), []),
  ];
  for (const bytes of corrupt) {
    expect(() => decodeNpy(bytes)).toThrow(CorruptImageError);
  }
  const unsupported = [
    makeNpy(header("|O", "2,"), []),
    makeNpy(header("<c8", "2,"), []),
    makeNpy(header("<f4", "2,"), [], 4),
    new Uint8Array(3),
  ];
  for (const bytes of unsupported) {
    expect(() => decodeNpy(bytes)).toThrow(UnsupportedFormatError);
  }
});

test("toLabels() refuses values that are no labels", () => {
  const of = (data: Float32Array | BigInt64Array) =>
    toLabels({ data, shape: [data.length], dtype: "<f4" });
  expect([...of(new Float32Array([0, 3]))]).toEqual([0, 3]);
  expect([...of(new BigInt64Array([0n, 70000n]))]).toEqual([0, 70000]);
  expect(() => of(new Float32Array([0.5]))).toThrow(ArgumentError);
  expect(() => of(new BigInt64Array([-1n]))).toThrow(ArgumentError);
  expect(() => of(new Float32Array([NaN]))).toThrow(ArgumentError);
});

test("decoders throw only typed errors on damaged files", async () => {
  const png = { size: { height: 4, width: 5 }, channels: 3 };
  const files = [
    [decodePng, encodePng({ data: new Uint8Array(60), ...png })],
    [decodeNpy, encodeNpy(new Float32Array(12), [3, 4])],
    [decodeTiff, makeTiff(true)],
    [decodeTiff, (await readExample("nuclei_3d_masks.tif")).slice(0, 3000)],
  ] as const;
  // every byte of the start of each file, replaced by 0, 255 and one more
  for (const [decode, file] of files) {
    for (let at = 0; at < Math.min(file.length, 200); at++) {
      for (const value of [0, 255, (file[at] + 1) & 255]) {
        const damaged = file.slice();
        damaged[at] = value;
        try {
          await decode(damaged);
        } catch (err) {
          expect(isSegError(err), `${decode.name} byte ${at}: ${err}`)
            .toBe(true);
        }
      }
    }
  }
});

const fromHex = (hex: string) =>
  new Uint8Array(hex.match(/../g)!.map((byte) => Number.parseInt(byte, 16)));
const GRAY_2_BITS =
  "89504e470d0a1a0a0000000d4948445200000003000000020200000000f2af21670000000c49444154789c639060780200013000fd56cd1c730000000049454e44ae426082";
const PALETTE_2_BITS =
  "89504e470d0a1a0a0000000d4948445200000003000000020203000000e01a8e890000000c504c5445ff000000ff000000ff0909095c717e860000000c49444154789c639060780200013000fd56cd1c730000000049454e44ae426082";

test("decoders read a Node Buffer, whose slice() shares memory", async () => {
  const labels = Int32Array.from([1, 2, 3, 70000]);
  const npy = decodeNpy(Buffer.from(encodeNpy(labels, [2, 2])));
  expect(npy.data).toEqual(labels);
  const tiff = await decodeTiff(Buffer.from(makeTiff(true)));
  expect(tiff.size).toEqual({ height: 2, width: 3 });
  const image = {
    data: Uint8Array.from([1, 2, 3, 4, 5, 6]),
    size: { height: 2, width: 3 },
    channels: 1,
  };
  const png = await decodePng(Buffer.from(encodePng(image)));
  expect(png.data).toEqual(image.data);
});
