import { readFile } from "node:fs/promises";
import { zipSync } from "fflate";
import { expect, test } from "vitest";
import {
  ArgumentError,
  ImageTooLargeError,
  UnsupportedFormatError,
} from "../shared/errors.ts";
import { decideAxes } from "../shared/image/axes.ts";
import { decodeImage } from "../shared/image/decode.ts";
import { encodeNpy } from "../shared/image/npy.ts";
import { isOmeXml, parseOmeXml } from "../shared/image/ome_xml.ts";
import { encodePng } from "../shared/image/png.ts";
import { sniffImage } from "../shared/image/sniff.ts";
import { encodeTiff } from "../shared/image/tiff_write.ts";
import { encodeZarrLabels } from "../shared/image/zarr_write.ts";
import { decodeLabels } from "../shared/image/read_labels.ts";

const counted = (length: number) =>
  Uint16Array.from({ length }, (_, i) => i * 13);
const npy = (...shape: number[]) =>
  encodeNpy(counted(shape.reduce((a, b) => a * b)), shape);

test.each([
  [[5, 6], "YX", false],
  [[3, 50, 60], "CYX", true],
  [[50, 60, 3], "YXC", true],
  [[9, 50, 60], "ZYX", true],
  [[9, 50, 60, 3], "ZYXC", true],
  [[2, 9, 50, 60], "CZYX", true],
  [[9, 2, 50, 60], "ZCYX", true],
  [[4, 2, 9, 50, 60], "TCZYX", true],
])("decideAxes() takes %o for %s", (shape, axes, inferred) => {
  const found = decideAxes(shape);
  expect(found.axes).toBe(axes);
  expect(found.inferred).toBe(inferred);
  // never silently
  expect(found.warnings.length).toBe(inferred ? 1 : 0);
});

test("decodeImage() lets the caller's axes overrule the shape's", async () => {
  const image = await decodeImage(npy(3, 50, 60), { axes: "zyx" });
  expect(image.axes).toBe("ZYX");
  expect(image.axesInferred).toBe(false);
  expect(image.warnings).toEqual([]);
  const thin = await decodeImage(npy(1, 3, 1, 5, 6), { axes: "ZYX" });
  expect(thin.shape).toEqual([3, 5, 6]);
});

test("decodeImage() refuses axes that do not fit", async () => {
  for (const axes of ["YX", "ZZYX", "ZCX", "AYX", "TCZYX"]) {
    await expect(decodeImage(npy(3, 50, 60), { axes }), axes)
      .rejects.toThrow(ArgumentError);
  }
  await expect(decodeImage(npy(7))).rejects.toThrow(UnsupportedFormatError);
});

test.each(["TCZYX", "ZCYX", "CYX", "ZYX", "YX"])(
  "decodeImage() reads what encodeTiff() writes as %s",
  async (axes) => {
    const shape = [2, 3, 4, 5, 6].slice(5 - axes.length);
    const data = counted(shape.reduce((a, b) => a * b));
    const pixelSize = { z: 1.5, y: 0.3, x: 0.2 };
    const image = await decodeImage(
      encodeTiff({ data, axes, shape, pixelSize }),
    );
    // pages come back in the order T, C, Z
    const sorted = axes === "ZCYX" ? "CZYX" : axes;
    expect(image.axes).toBe(sorted);
    expect(image.pixelSize).toEqual(pixelSize);
    expect(image.axesInferred).toBe(false);
    const again = await decodeImage(encodeTiff({
      data: image.data,
      axes: image.axes,
      shape: image.shape,
    }));
    expect(again.data).toEqual(image.data);
    if (axes !== "ZCYX") expect(image.data).toEqual(data);
  },
);

test("decodeImage() keeps channel names with marks of XML", async () => {
  const channelNames = ["DAPI", 'a<b>&"c"'];
  const image = await decodeImage(encodeTiff({
    data: counted(60),
    axes: "CYX",
    shape: [2, 5, 6],
    channelNames,
  }));
  expect(image.channelNames).toEqual(channelNames);
});

test("decodeImage() narrows 64-bit integers and says so", async () => {
  const small = encodeNpy(BigInt64Array.of(0n, 5n, 70_000n, 1n), [2, 2]);
  const image = await decodeImage(small);
  expect([...image.data]).toEqual([0, 5, 70_000, 1]);
  expect(image.dtype).toBe("uint32");
  expect(image.warnings.join()).toMatch(/64-bit/);
  const huge = encodeNpy(BigInt64Array.of(0n, 2n ** 60n), [1, 2]);
  await expect(decodeImage(huge)).rejects.toThrow(UnsupportedFormatError);
});

test("decodeImage() warns of a JPEG with damaged data", async () => {
  const histo = new URL("../examples/histo.jpg", import.meta.url);
  const file = new Uint8Array(await readFile(histo));
  expect((await decodeImage(file)).warnings).toEqual([]);
  file.fill(0x55, 25_000, 25_004);
  const { warnings, shape } = await decodeImage(file);
  expect(shape).toEqual([300, 500, 3]);
  expect(warnings.join()).toMatch(/JPEG: Corrupt/);
});

test("decodeImage() reads an entry of an NPZ", async () => {
  const zip = zipSync({
    "a.npy": npy(2, 2),
    "b.npy": encodeNpy(Uint8Array.of(9, 8), [1, 2]),
  });
  const first = await decodeImage(zip);
  expect(first.shape).toEqual([2, 2]);
  expect(first.warnings.join()).toMatch(/a\.npy of 2 arrays/);
  const second = await decodeImage(zip, { entry: "b" });
  expect([...second.data]).toEqual([9, 8]);
  await expect(decodeImage(zip, { entry: "c" })).rejects.toThrow(/a\.npy/);
});

test("decodeImage() reads a zip whose sizes and places have 64 bits", async () => {
  const name = new TextEncoder().encode("a.npy");
  const array = encodeNpy(Uint8Array.of(9, 8), [1, 2]);
  const u16 = (...values: number[]) =>
    new Uint8Array(Uint16Array.from(values).buffer);
  const u32 = (...values: number[]) =>
    new Uint8Array(Uint32Array.from(values).buffer);
  const u64 = (...values: number[]) =>
    new Uint8Array(BigUint64Array.from(values, BigInt).buffer);
  const WIDE = 2 ** 32 - 1;
  const join = (...parts: Uint8Array[]) =>
    Uint8Array.from(parts.flatMap((part) => [...part]));
  const local = join(
    ...[u32(0x04034b50), u16(45, 0, 0, 0, 0), u32(0, WIDE, WIDE)],
    ...[u16(name.length, 20), name, u16(1, 16), u64(array.length)],
    ...[u64(array.length), array],
  );
  const entry = join(
    ...[u32(0x02014b50), u16(45, 45, 0, 0, 0, 0), u32(0, WIDE, WIDE)],
    ...[u16(name.length, 36, 0, 0, 0), u32(0, WIDE), name],
    // a field of another kind goes before
    ...[u16(7, 4), u32(5), u16(1, 24), u64(array.length, array.length, 0)],
  );
  const record = join(
    ...[u32(0x06064b50), u64(44), u16(45, 45), u32(0, 0), u64(1, 1)],
    u64(entry.length, local.length),
  );
  const end = join(
    ...[u32(0x07064b50, 0), u64(local.length + entry.length), u32(1)],
    ...[u32(0x06054b50), u16(0, 0, 0xffff, 0xffff), u32(WIDE, WIDE), u16(0)],
  );
  const image = await decodeImage(join(local, entry, record, end));
  expect([...image.data]).toEqual([9, 8]);
});

test("decodeImage() reads OME-Zarr in a zip, in a folder of it too", async () => {
  const size = { height: 5, width: 6 };
  const masks = Uint32Array.from({ length: 30 }, (_, i) => i);
  const written = (["0.5", "0.4"] as const).map((version) =>
    encodeZarrLabels({ masks, size }, {
      version,
      pixelSize: { y: 0.5, x: 0.25 },
    })
  );
  for (
    const [files, prefix] of written.flatMap((files) =>
      ["", "cells.zarr/"].map((prefix) => [files, prefix] as const)
    )
  ) {
    const zip = zipSync(Object.fromEntries(
      [...files].map(([name, bytes]) => [prefix + name, bytes]),
    ));
    const image = await decodeImage(zip);
    expect([...image.data]).toEqual([...masks]);
    expect(image.axes).toBe("YX");
    expect(image.pixelSize).toEqual({ y: 0.5, x: 0.25 });
    expect((await decodeLabels(zip)).masks).toEqual(masks);
  }
});

test("decodeImage() keeps to each limit", async () => {
  const image = { height: 40, width: 50 };
  const png = encodePng({
    data: new Uint8Array(2000),
    size: image,
    channels: 1,
  });
  const tiff = encodeTiff({
    data: counted(6 * 30),
    axes: "ZYX",
    shape: [6, 5, 6],
  });
  const limited: [Uint8Array, object, string][] = [
    [png, { maxPixels: 1999 }, "pixels"],
    [png, { maxBytes: 1999 }, "bytes"],
    [png, { maxRatio: 2, ratioFloorBytes: 0 }, "bytes per encoded byte"],
    [tiff, { maxPages: 5 }, "pages"],
    [tiff, { maxMs: -1 }, "ms of decoding"],
    [npy(40, 50), { maxPixels: 1999 }, "pixels"],
  ];
  for (const [bytes, limits, measure] of limited) {
    const err = await decodeImage(bytes, { limits }).catch((e) => e);
    expect(err).toBeInstanceOf(ImageTooLargeError);
    expect(err.measure).toBe(measure);
    expect(err.tag).toBe("image-too-large");
  }
  expect((await decodeImage(png, { limits: { maxPixels: 2000 } })).shape)
    .toEqual([40, 50]);
});

test.each([
  [[0xda, 0xce, 0xbe, 0x0a], /ND2.*bfconvert in\.nd2 out\.ome\.tif/],
  ["ZISRAWFILE", /CZI.*bfconvert in\.czi out\.ome\.tif/],
  [[0x70, 0, 0, 0], /LIF.*bfconvert in\.lif/],
  ["hello", /starts with 68 65 6c 6c/],
  ["", /empty file/],
])("sniffImage() names the converter for %s", (start, message) => {
  const bytes = typeof start === "string"
    ? new TextEncoder().encode(start)
    : Uint8Array.from(start);
  expect(() => sniffImage(bytes)).toThrow(message);
  expect(() => sniffImage(bytes)).toThrow(UnsupportedFormatError);
});

const OME = (pixels: string) =>
  `<?xml version="1.0"?><OME xmlns="o"><Image><Pixels ${pixels}></Pixels></Image></OME>`;

test("parseOmeXml() reads sizes, units and the order of planes", () => {
  const ome = parseOmeXml(OME(
    'DimensionOrder="XYCZT" SizeX="6" SizeY="5" SizeC="2" SizeZ="3" SizeT="1" PhysicalSizeX="65" PhysicalSizeXUnit="nm" PhysicalSizeY="0.065"',
  ));
  expect(ome.sizes).toEqual({ T: 1, C: 2, Z: 3, Y: 5, X: 6 });
  expect(ome.pixelSize).toEqual({ y: 0.065, x: 0.065 });
  expect(isOmeXml(OME(""))).toBe(true);
  expect(isOmeXml("<svg/>")).toBe(false);
});

test("parseOmeXml() refuses broken documents and expands no entities", () => {
  const entities = '<!DOCTYPE x [<!ENTITY g "3">]>' + OME(
    'DimensionOrder="XYCZT" SizeX="6" SizeY="5" SizeC="2" SizeZ="&g;" SizeT="1"',
  ).replace(/^<\?.*?\?>/, "");
  for (
    const text of [
      entities,
      OME('DimensionOrder="XYCZT" SizeX="6"'),
      OME(
        'DimensionOrder="XYQQQ" SizeX="1" SizeY="1" SizeC="1" SizeZ="1" SizeT="1"',
      ),
      "<OME><Image></OME>",
      "<OME",
    ]
  ) expect(() => parseOmeXml(text), text).toThrow(/OME-XML/);
});
