/**
 * Files that mean harm, made on the spot: bombs, cuts, lies, cycles, pickles
 * that call, names that lead out of a zip.
 *
 * The length is that of the list.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { crc32, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { encodeNpy } from "../../shared/image/npy.ts";
import { encodePng } from "../../shared/image/png.ts";
import { encodeTiff } from "../../shared/image/tiff_write.ts";

/** A file, made when it is its turn. */
export interface HostileFile {
  readonly name: string;
  readonly make: () => Uint8Array;
}

const bytes = (...parts: (string | ArrayLike<number> | Uint8Array)[]) =>
  new Uint8Array(
    Buffer.concat(
      parts.map((part) =>
        typeof part === "string"
          ? Buffer.from(part, "latin1")
          : Buffer.from(Uint8Array.from(part))
      ),
    ),
  );
const u16 = (value: number) => [value & 255, value >> 8 & 255];
const u32 = (value: number) => [...u16(value & 0xffff), ...u16(value >>> 16)];
const u64 = (value: number) => [...u32(value >>> 0), ...u32(value / 2 ** 32)];
const big32 = (value: number) => u32(value).reverse();

/** A PNG chunk with its checksum. */
function chunk(type: string, data: ArrayLike<number>): Uint8Array {
  const body = bytes(type, data);
  return bytes(big32(body.length - 4), body, big32(crc32(body)));
}

function png(
  width: number,
  height: number,
  data: Uint8Array,
  { depth = 8, color = 0, extra = [] as Uint8Array[] } = {},
): Uint8Array {
  return bytes(
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    chunk("IHDR", [...big32(width), ...big32(height), depth, color, 0, 0, 0]),
    ...extra,
    chunk("IDAT", data),
    chunk("IEND", []),
  );
}

/** A little-endian classic TIFF: one page of tags, then data at 1024. */
function tiff(
  tags: Record<number, number | readonly number[]>,
  data: Uint8Array = new Uint8Array(64),
  next = 0,
): Uint8Array {
  const entries = Object.entries(tags);
  const out = new Uint8Array(1024 + data.length);
  out.set(bytes("II", u16(42), u32(8), u16(entries.length)));
  entries.forEach(([tag, value], i) => {
    const [count, word] = Array.isArray(value) ? value : [1, value];
    out.set(
      [...u16(Number(tag)), ...u16(4), ...u32(count), ...u32(Number(word))],
      10 + 12 * i,
    );
  });
  out.set(u32(next), 10 + 12 * entries.length);
  out.set(data, 1024);
  return out;
}

/** Tags of an 8-bit page of one strip at 1024. */
const page = (width: number, height: number, length = 64, compression = 1) => ({
  256: width,
  257: height,
  258: 8,
  259: compression,
  262: 1,
  273: 1024,
  277: 1,
  278: height,
  279: length,
});

interface ZipEntry {
  readonly name: string;
  readonly data: Uint8Array;
  readonly packed?: Uint8Array;
  /** What the directory claims. */
  readonly claim?: number;
  readonly flags?: number;
  readonly method?: number;
}

function zip(entries: readonly ZipEntry[]): Uint8Array {
  const local: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  const seen = new Set<ZipEntry>();
  let [at, end] = [0, 0];
  for (const entry of entries) {
    if (!seen.has(entry)) at = end;
    const { name, data, packed = data, flags = 0 } = entry;
    const method = entry.method ?? (packed === data ? 0 : 8);
    const size = entry.claim ?? data.length;
    const facts = [
      ...[...u16(flags), ...u16(method), ...u32(0), ...u32(0)],
      ...[...u32(packed.length), ...u32(size), ...u16(name.length)],
    ];
    const head = bytes("PK\x03\x04", u16(20), facts, u16(0), name);
    // entries may share one body
    const isFirst = !seen.has(entry);
    seen.add(entry);
    if (isFirst) local.push(head, packed);
    central.push(bytes(
      ...["PK\x01\x02", u16(20), u16(20), facts, u16(0), u16(0), u16(0)],
      ...[u16(0), u32(0), u32(at), name],
    ));
    if (isFirst) end += head.length + packed.length;
  }
  const list = bytes(...central);
  return bytes(
    ...local,
    list,
    ...["PK\x05\x06", u16(0), u16(0)],
    ...[u16(entries.length), u16(entries.length)],
    ...[u32(list.length), u32(end), u16(0)],
  );
}

const npyObject = (pickle: Uint8Array) =>
  bytes(
    "\x93NUMPY\x01\x00",
    u16(118),
    "{'descr': '|O', 'fortran_order': False, 'shape': (), }".padEnd(117) + "\n",
    pickle,
  );
const npyHeader = (text: string) =>
  bytes("\x93NUMPY\x01\x00", u16(118), text.padEnd(117) + "\n");

const zeros = (length: number) => new Uint8Array(length);
const jpeg = (height: number, width: number, rest: number[] = []) =>
  bytes([0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, height >> 8, height & 255], [
    ...[width >> 8, width & 255, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0],
    ...rest,
    ...[0xff, 0xd9],
  ]);
const webp = (kind: string, body: readonly number[]) => {
  const data = bytes(kind, u32(body.length), body, zeros(16));
  return bytes("RIFF", u32(data.length + 4), "WEBP", data);
};
const smallPng = () =>
  encodePng({
    data: Uint8Array.from({ length: 4096 }, (_, i) => i * 37),
    size: { height: 64, width: 64 },
    channels: 1,
  });
const smallTiff = () =>
  encodeTiff({
    data: Uint16Array.from({ length: 4096 }, (_, i) => i * 37),
    axes: "YX",
    shape: [64, 64],
  });
const ones = (length: number) => new Uint8Array(length).fill(1);
const zarrArray = (shape: number[], chunk: number[], codecs: unknown[]) =>
  bytes(JSON.stringify({
    zarr_format: 3,
    node_type: "array",
    shape,
    data_type: "uint8",
    chunk_grid: { name: "regular", configuration: { chunk_shape: chunk } },
    chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
    fill_value: 0,
    codecs: [{ name: "bytes" }, ...codecs],
    attributes: {},
  }));
const flip = (file: Uint8Array, at: number) => {
  const out = file.slice();
  out[at] ^= 0xff;
  return out;
};

/** Each must end in a typed error. */
export const HOSTILE: readonly HostileFile[] = [
  // bombs
  {
    name: "PNG whose data unpacks to 1 GB, of 10×10 pixels",
    make: () => png(10, 10, bytes(deflateSync(zeros(2 ** 28)))),
  },
  {
    name: "PNG of 30000×30000 black pixels in 900 kB",
    make: () => png(30000, 30000, bytes(deflateSync(zeros(2 ** 24)))),
  },
  {
    name: "PNG of 2^31−1 × 2^31−1 pixels",
    make: () => png(2 ** 31 - 1, 2 ** 31 - 1, zeros(9)),
  },
  {
    name: "PNG with a color profile of 256 MB and no pixels",
    make: () =>
      png(64, 64, deflateSync(zeros(10)), {
        extra: [
          chunk("iCCP", bytes("x\0\0", deflateSync(zeros(2 ** 28)))),
        ],
      }),
  },
  {
    name: "TIFF whose strip unpacks to 256 MB, of 10×10 pixels",
    make: () => {
      const data = bytes(deflateSync(zeros(2 ** 28)));
      return tiff(page(10, 10, data.length, 8), data);
    },
  },
  {
    name: "TIFF of 30000×30000 pixels in a Deflate strip of 1 kB",
    make: () => tiff(page(30000, 30000, 64, 8)),
  },
  {
    name: "TIFF of 60000×17000 pixels, uncompressed, in 1 kB",
    make: () => tiff(page(60000, 17000)),
  },
  {
    name: "TIFF of 2^32−1 × 2^32−1 pixels",
    make: () => tiff(page(2 ** 32 - 1, 2 ** 32 - 1)),
  },
  {
    name: "TIFF of 65535 samples a pixel",
    make: () => tiff({ ...page(4000, 4000), 277: 65535 }),
  },
  {
    name: "TIFF with a tile of 60000×60000 for 10×10 pixels",
    make: () =>
      tiff({
        ...{ 256: 10, 257: 10, 258: 8, 259: 8, 262: 1, 277: 1 },
        ...{ 322: 60000, 323: 60000, 324: 1024, 325: 64 },
      }),
  },
  {
    name: "TIFF with a JPEG tile of 65535×65535",
    make: () => {
      const data = jpeg(65535, 65535);
      return tiff(page(16, 16, data.length, 7), data);
    },
  },
  {
    name: "TIFF with a Zstandard strip that claims 4 GB",
    make: () =>
      tiff(
        page(16, 16, 64, 50000),
        bytes([0x28, 0xb5, 0x2f, 0xfd, 0xa0], u32(2 ** 32 - 1), zeros(60)),
      ),
  },
  {
    name: "TIFF with the same 1 MB strip 60000 times",
    make: () => {
      const data = zeros(2 ** 20);
      const table = 1024 + data.length;
      const count = 60000;
      const offsets = new Array(count).fill(1024).flatMap(u32);
      const lengths = new Array(count).fill(data.length).flatMap(u32);
      return bytes(
        tiff({
          ...page(2 ** 20, count, 0),
          278: 1,
          273: [count, table],
          279: [count, table + 4 * count],
        }, data),
        offsets,
        lengths,
      );
    },
  },
  { name: "JPEG of 65500×65500 in 30 bytes", make: () => jpeg(65500, 65500) },
  {
    name: "WebP of 16384×16384 in 60 bytes (lossless)",
    make: () => webp("VP8L", [0x2f, ...u32(0x0fffffff)]),
  },
  {
    name: "WebP of 2^24×2^24 (extended)",
    make: () => webp("VP8X", [0, 0, 0, 0, ...new Array(6).fill(255)]),
  },
  {
    name: "NPZ whose entry unpacks to 256 MB",
    make: () => {
      const data = zeros(2 ** 28);
      return zip([{ name: "a.npy", data, packed: deflateRawSync(data) }]);
    },
  },
  {
    name: "NPZ whose entry unpacks to more than it claims",
    make: () =>
      zip([{
        name: "a.npy",
        data: zeros(2 ** 26),
        packed: deflateRawSync(zeros(2 ** 26)),
        claim: 1000,
      }]),
  },
  {
    name: "zip of 50000 entries that share one body",
    make: () => {
      const data = zeros(2 ** 22);
      const one = { name: "a.roi", data, packed: deflateRawSync(data) };
      return zip(new Array(50000).fill(one));
    },
  },
  {
    name: "Zarr of 30000×30000 pixels without a chunk",
    make: () =>
      zip([{
        name: "zarr.json",
        data: zarrArray([30000, 30000], [3000, 3000], []),
      }]),
  },
  {
    name: "Zarr of 2^60 pixels",
    make: () =>
      zip([{
        name: "zarr.json",
        data: zarrArray([2 ** 30, 2 ** 30], [1, 1], []),
      }]),
  },
  {
    name: "Zarr of one pixel in a chunk of 2^40",
    make: () =>
      zip([{
        name: "zarr.json",
        data: zarrArray([1, 1], [2 ** 20, 2 ** 20], []),
      }]),
  },
  {
    name: "Zarr whose gzip chunk unpacks to 256 MB",
    make: () =>
      zip([{
        name: "zarr.json",
        data: zarrArray([10, 10], [10, 10], [{ name: "gzip" }]),
      }, { name: "c/0/0", data: bytes(gzipSync(zeros(2 ** 28))) }]),
  },
  {
    name: "Zarr whose blosc chunk claims 4 GB",
    make: () =>
      zip([{
        name: "zarr.json",
        data: zarrArray([10, 10], [10, 10], [{
          name: "blosc",
          configuration: {
            cname: "lz4",
            clevel: 5,
            shuffle: "noshuffle",
            typesize: 1,
            blocksize: 0,
          },
        }]),
      }, {
        name: "c/0/0",
        data: bytes(
          [2, 1, 0x21, 1],
          u32(2 ** 32 - 16),
          u32(65536),
          u32(64),
          zeros(64),
        ),
      }]),
  },
  {
    name: "pickle that makes the same array 100000 times",
    make: () => npyObject(bombPickle()),
  },
  {
    name: "pickle of lists nested 100000 deep",
    make: () =>
      npyObject(bytes([0x80, 2], "]".repeat(100000), "a".repeat(99999), ".")),
  },
  {
    name: "GeoJSON of a polygon of 10^9×10^9",
    make: () =>
      bytes(
        '{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[1e9,0],[1e9,1e9]]]}}',
      ),
  },
  {
    name: "GeoJSON nested 10^6 deep",
    make: () => bytes("[".repeat(10 ** 6)),
  },
  {
    name: "COCO of 10^6×10^6 pixels",
    make: () =>
      bytes(
        '{"images":[{"id":1,"height":1000000,"width":1000000}],"annotations":[]}',
      ),
  },
  {
    name: "COCO with run lengths beyond the image",
    make: () =>
      bytes(
        '{"images":[{"id":1,"height":5,"width":5}],"annotations":[{"id":1,"image_id":1,"segmentation":{"size":[5,5],"counts":[0,1000000000]}}]}',
      ),
  },
  // cycles
  {
    name: "TIFF page that follows itself",
    make: () => tiff(page(8, 8), zeros(64), 8),
  },
  {
    name: "TIFF whose second page leads to the first",
    make: () => {
      const file = tiff(page(8, 8), zeros(1024), 1088);
      file.set(bytes(u16(0), u32(8)), 1088);
      return file;
    },
  },
  {
    name: "BigTIFF page that follows itself",
    make: () => bytes("II", u16(43), u16(8), u16(0), u64(16), u64(0), u64(16)),
  },
  {
    name: "pickle list that holds itself as masks",
    make: () => npyObject(bytes([0x80, 2], "}X\x05\0\0\0masks]q\0h\0as.")),
  },
  // lies
  {
    name: "TIFF page outside of the file",
    make: () => bytes("II", u16(42), u32(2 ** 31), zeros(16)),
  },
  {
    name: "TIFF with 65535 tags that are not there",
    make: () => bytes("II", u16(42), u32(8), u16(65535), zeros(64)),
  },
  {
    name: "BigTIFF with 2^60 tags",
    make: () =>
      bytes("II", u16(43), u16(8), u16(0), u64(16), u64(2 ** 60), zeros(64)),
  },
  {
    name: "TIFF strip outside of the file",
    make: () => tiff({ ...page(8, 8), 273: 2 ** 31 }),
  },
  {
    name: "TIFF with 2^30 strip offsets",
    make: () => tiff({ ...page(8, 8), 273: [2 ** 30, 1024] }),
  },
  { name: "TIFF of 0×8 pixels", make: () => tiff(page(0, 8)) },
  {
    name: "TIFF of 3-bit samples",
    make: () => tiff({ ...page(8, 8), 258: 3 }),
  },
  {
    name: "TIFF of an unknown compression",
    make: () => tiff(page(8, 8, 64, 12345)),
  },
  {
    name: "TIFF of LZW codes that do not exist",
    make: () => tiff(page(64, 64, 64, 5), new Uint8Array(64).fill(0xfe)),
  },
  {
    name: "PNG of color type 5",
    make: () => png(8, 8, zeros(9), { color: 5 }),
  },
  {
    name: "PNG with a chunk of 4 GB",
    make: () =>
      bytes(
        [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
        big32(2 ** 32 - 1),
        "IHDR",
        zeros(32),
      ),
  },
  {
    name: "PNG with a wrong checksum",
    make: () => flip(smallPng(), smallPng().length - 20),
  },
  {
    name: "PNG without pixels",
    make: () => png(64, 64, deflateSync(zeros(10))),
  },
  {
    name: "npy of shape (2^62, 16)",
    make: () =>
      npyHeader(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 16), }",
      ),
  },
  {
    name: "npy of shape (-1, 5)",
    make: () =>
      npyHeader("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 5), }"),
  },
  {
    name: "npy whose type is a record",
    make: () =>
      npyHeader(
        "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (5, 5), }",
      ),
  },
  {
    name: "npy with a header of code",
    make: () => npyHeader("__import__('os').system('true')"),
  },
  {
    name: "JPEG without a frame",
    make: () => bytes([0xff, 0xd8, 0xff, 0xd9], zeros(32)),
  },
  {
    name: "JPEG of noise after the header",
    make: () => jpeg(64, 64, new Array(100).fill(0x55)),
  },
  { name: "WebP of noise", make: () => webp("VP8 ", new Array(64).fill(0x55)) },
  {
    name: "WebP of an unknown chunk",
    make: () => webp("EVIL", new Array(64).fill(0)),
  },
  // cuts
  {
    name: "PNG cut in half",
    make: () => smallPng().slice(0, smallPng().length >> 1),
  },
  {
    name: "TIFF cut in half",
    make: () => smallTiff().slice(0, smallTiff().length >> 1),
  },
  {
    name: "npy cut in half",
    make: () => encodeNpy(ones(4096), [64, 64]).slice(0, 2000),
  },
  { name: "JPEG cut after its header", make: () => jpeg(64, 64).slice(0, 21) },
  {
    name: "zip cut before its directory",
    make: () => zip([{ name: "a.npy", data: ones(99) }]).slice(0, 60),
  },
  {
    name: "ROI cut short",
    make: () =>
      zip([{
        name: "1.roi",
        data: bytes("Iout", [0, 228, 0, 0], zeros(8), [255, 255], zeros(46)),
      }]),
  },
  {
    name: "ROI of segments that do not exist",
    make: () =>
      zip([{
        name: "1.roi",
        data: bytes(
          "Iout",
          [0, 228, 1, 0],
          zeros(28),
          [0, 0, 0, 4],
          zeros(24),
          [
            ...[0x41, 0, 0, 0, 0x41, 0, 0, 0, 0x41, 0, 0, 0, 0x41, 0, 0, 0],
          ],
        ),
      }]),
  },
  { name: "empty file", make: () => zeros(0) },
  { name: "file of zeros", make: () => zeros(4096) },
  // pickles that call
  ...[
    ["os", "system"],
    ["posix", "system"],
    ["builtins", "eval"],
    ["subprocess", "Popen"],
    ["numpy", "load"],
    ["numpy.core.multiarray", "fromfile"],
  ].map(([module, name]) => ({
    name: `_seg.npy that calls ${module}.${name}`,
    make: () =>
      npyObject(
        bytes(`\x80\x02c${module}\n${name}\nX\x04\0\0\0true\x85R.`),
      ),
  })),
  {
    name: "_seg.npy that calls os.system by protocol 4",
    make: () =>
      npyObject(
        bytes("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."),
      ),
  },
  {
    name: "_seg.npy that makes an instance (INST)",
    make: () => npyObject(bytes("(S'true'\nios\nsystem\n.")),
  },
  {
    name: "_seg.npy that asks for an extension",
    make: () => npyObject(bytes("\x80\x02\x82\x01.")),
  },
  {
    name: "_seg.npy that asks for a persistent object",
    make: () => npyObject(bytes("Pevil\n.")),
  },
  {
    name: "_seg.npy that sets a dtype's state to code",
    make: () => npyObject(bytes("cnumpy\ndtype\n(S'O8'\ntR(S'x'\ntb.")),
  },
  // names
  ...["../../etc/passwd.npy", "/etc/passwd.npy", "C:\\a.npy", "a/../../b.npy"]
    .map((name) => ({
      name: `zip with the name ${name}`,
      make: () => zip([{ name, data: encodeNpy(ones(4), [2, 2]) }]),
    })),
  {
    name: "encrypted zip",
    make: () => zip([{ name: "a.npy", data: ones(99), flags: 1 }]),
  },
  {
    name: "zip of an unknown method",
    make: () => zip([{ name: "a.npy", data: ones(99), method: 99 }]),
  },
  // other formats
  { name: "ND2", make: () => bytes([0xda, 0xce, 0xbe, 0x0a], zeros(64)) },
  { name: "CZI", make: () => bytes("ZISRAWFILE", zeros(64)) },
  { name: "LIF", make: () => bytes([0x70, 0, 0, 0], zeros(64)) },
  { name: "gzip", make: () => bytes(gzipSync(zeros(64))) },
  { name: "text", make: () => bytes("#!/bin/sh\n") },
];

/** One buffer in the memo, and arrays of it again and again. */
function bombPickle(): Uint8Array {
  const data = zeros(2 ** 20);
  const one = "cnumpy.core.multiarray\nscalar\n" +
    "cnumpy\ndtype\nX\x02\0\0\0u1\x85Rh\0\x86R0";
  return bytes(
    [0x80, 2],
    bytes("B", u32(data.length), data, "q\x000"),
    one.repeat(100_000),
    "N.",
  );
}
