/**
 * Bombs: small files that would take all memory, or all day.
 *
 * The length is that of the list.
 *
 * @module
 */
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import {
  bytes,
  chunk,
  type HostileFile,
  jpeg,
  npyObject,
  page,
  png,
  tiff,
  u32,
  webp,
  zarrArray,
  zeros,
  zip,
} from "./build_files.ts";

/** Small files that would become large ones. */
export const BOMBS: readonly HostileFile[] = [
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
