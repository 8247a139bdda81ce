/**
 * Cycles, lies and cuts: files that do not hold what they say.
 *
 * The length is that of the list.
 *
 * @module
 */
import { deflateSync } from "node:zlib";
import { encodeNpy } from "../../shared/image/npy.ts";
import {
  big32,
  bytes,
  flip,
  type HostileFile,
  jpeg,
  npyHeader,
  npyObject,
  ones,
  page,
  png,
  smallPng,
  smallTiff,
  tiff,
  u16,
  u32,
  u64,
  webp,
  zeros,
  zip,
} from "./build_files.ts";

/** Files that do not hold what they say. */
export const LIES: readonly HostileFile[] = [
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
];
