/**
 * What a file is, by its first bytes; its name and media type are claims.
 *
 * @module
 */
import { UnsupportedFormatError } from "../errors.ts";

/** Formats that are read. */
export type ImageFormat =
  | "png"
  | "jpeg"
  | "webp"
  | "tiff"
  | "npy"
  | "zip";

/** For errors: everything that is read. */
export const READ_FORMATS: readonly string[] = [
  "PNG",
  "JPEG",
  "WebP",
  "TIFF",
  "NPY",
  "NPZ",
  "OME-Zarr",
];

/** A signature: bytes, or text, at an offset. */
interface Signature {
  readonly at?: number;
  readonly bytes: string | readonly number[];
}

const READ: readonly (Signature & { format: ImageFormat })[] = [
  { format: "png", bytes: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] },
  { format: "jpeg", bytes: [0xff, 0xd8, 0xff] },
  { format: "webp", at: 8, bytes: "WEBP" },
  { format: "tiff", bytes: [0x49, 0x49, 0x2a, 0x00] },
  { format: "tiff", bytes: [0x4d, 0x4d, 0x00, 0x2a] },
  { format: "tiff", bytes: [0x49, 0x49, 0x2b, 0x00] },
  { format: "tiff", bytes: [0x4d, 0x4d, 0x00, 0x2b] },
  { format: "npy", bytes: [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] },
  { format: "zip", bytes: [0x50, 0x4b, 0x03, 0x04] },
  { format: "zip", bytes: [0x50, 0x4b, 0x05, 0x06] },
];

const BIO_FORMATS =
  "Convert it with Bio-Formats (bfconvert IN out.ome.tif), or with Fiji: File, Save As, TIFF";

const KNOWN: readonly (Signature & { name: string; advice: string })[] = [
  {
    name: "A Nikon ND2 file",
    bytes: [0xda, 0xce, 0xbe, 0x0a],
    advice:
      "Convert it with the Python package nd2 (nd2.imread, then tifffile.imwrite), or with Bio-Formats: bfconvert in.nd2 out.ome.tif",
  },
  {
    name: "A Zeiss CZI file",
    bytes: "ZISRAWFILE",
    advice:
      "Convert it with ZEN (Export, OME-TIFF), or with Bio-Formats: bfconvert in.czi out.ome.tif",
  },
  {
    name: "A Leica LIF file",
    bytes: [0x70, 0x00, 0x00, 0x00],
    advice:
      "Convert it with LAS X (Export, TIFF), or with Bio-Formats, one series a file: bfconvert in.lif out_%s.ome.tif",
  },
  {
    name: "An HDF5 file (as Imaris or ilastik write)",
    bytes: [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a],
    advice: BIO_FORMATS,
  },
  {
    name: "A JPEG 2000 file",
    bytes: [0x00, 0x00, 0x00, 0x0c, 0x6a, 0x50, 0x20, 0x20],
    advice: BIO_FORMATS,
  },
  {
    name: "An Olympus or Microsoft compound file (OIB, ZVI)",
    bytes: [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1],
    advice: BIO_FORMATS,
  },
  { name: "An NRRD file", bytes: "NRRD000", advice: BIO_FORMATS },
  { name: "A DICOM file", at: 128, bytes: "DICM", advice: BIO_FORMATS },
  { name: "A GIF file", bytes: "GIF8", advice: "Save it as PNG" },
  { name: "A BMP file", bytes: "BM", advice: "Save it as PNG" },
  {
    name: "A HEIC or AVIF file",
    at: 4,
    bytes: "ftyp",
    advice: "Save it as PNG",
  },
  {
    name: "A PDF file",
    bytes: "%PDF-",
    advice: "Export the image in it as PNG or TIFF",
  },
  {
    name: "A gzip file",
    bytes: [0x1f, 0x8b],
    advice: "Unpack it first: gunzip FILE",
  },
];

/**
 * Tell the format of a file.
 *
 * @param bytes  the file, or its first 132 bytes
 * @throws {UnsupportedFormatError} for what is not read, with the program that
 *   converts it where one is known
 */
export function sniffImage(bytes: Uint8Array): ImageFormat {
  for (const signature of READ) {
    if (matches(bytes, signature)) return signature.format;
  }
  for (const { name, advice, ...signature } of KNOWN) {
    if (!matches(bytes, signature)) continue;
    throw new UnsupportedFormatError(name, READ_FORMATS, { advice });
  }
  const start = [...bytes.subarray(0, 4)]
    .map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw new UnsupportedFormatError(
    bytes.length === 0 ? "An empty file" : `A file that starts with ${start}`,
    READ_FORMATS,
  );
}

function matches(bytes: Uint8Array, { at = 0, bytes: want }: Signature) {
  const codes = typeof want === "string"
    ? [...want].map((char) => char.charCodeAt(0))
    : want;
  return codes.every((code, i) => bytes[at + i] === code);
}
