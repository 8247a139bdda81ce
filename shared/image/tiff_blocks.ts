/**
 * The strips and tiles of a TIFF page: checked against the page before they
 * are unpacked, and unpacked to what the page promises at most.
 *
 * @module
 */
import { addDecoder, BaseDecoder } from "geotiff";
import { CorruptImageError, UnsupportedFormatError } from "../errors.ts";
import type { ByteSource } from "./byte_source.ts";
import { inflate } from "./inflate.ts";
import { readFrame } from "./jpeg.ts";
import { unpackLzw } from "./lzw.ts";
import { readClaim } from "./packed_claim.ts";
import type { TiffPage } from "./tiff_pages.ts";

/** Compression tags that are read. */
const COMPRESSIONS: Readonly<Record<number, string>> = {
  1: "none",
  5: "LZW",
  7: "JPEG",
  8: "Deflate",
  32773: "PackBits",
  32946: "Deflate",
  50000: "Zstandard",
};

/** Bytes that a block may hold beyond its rows: some writers pad. */
export const PADDING_BYTES = 1 << 16;

/**
 * Check that a page's blocks are those its size needs, lie in the file, and
 * do not claim to hold more.
 *
 * @throws {UnsupportedFormatError} for other compressions and sample types
 * @throws {CorruptImageError}
 */
export function checkBlocks(source: ByteSource, page: TiffPage): void {
  if (COMPRESSIONS[page.compression] === undefined) {
    throw new UnsupportedFormatError(
      `TIFF compression ${page.compression}`,
      [...new Set(Object.values(COMPRESSIONS))],
    );
  }
  if (![1, 2, 4, 8, 16, 32, 64].includes(page.bits)) {
    throw new UnsupportedFormatError(`A TIFF of ${page.bits}-bit samples`, [
      "8, 16, 32 and 64 bits",
    ]);
  }
  if (![1, 2, 3, 4].includes(page.sampleFormat)) {
    throw new UnsupportedFormatError(
      `TIFF sample format ${page.sampleFormat}`,
      ["integers", "floats"],
    );
  }
  const { block, offsets, byteCounts } = page;
  if (!(block.height >= 1 && block.width >= 1)) {
    throw corrupt(`its blocks have ${block.height}×${block.width} pixels`);
  }
  const count = Math.ceil(page.height / block.height) *
    Math.ceil(page.width / block.width) *
    (page.isPlanar ? page.samples : 1);
  if (offsets.length < count) {
    throw corrupt(`it has ${offsets.length} of ${count} blocks`);
  }
  for (let i = 0; i < count; i++) {
    const end = offsets[i] + (byteCounts[i] ?? 0);
    if (!(end <= source.length)) {
      throw corrupt(`block ${i} ends at byte ${end} of ${source.length}`);
    }
    // a block that was never written
    if (byteCounts[i] === 0) throw corrupt(`block ${i} is empty`);
    if (page.compression === 50000) {
      checkZstd(source.read(offsets[i], end), page);
    }
    if (page.compression === 7) {
      checkJpeg(source.read(offsets[i], end), page);
    }
  }
  const needed = page.height * page.width * page.samples * page.bits / 8;
  const held = byteCounts.reduce((sum, n) => sum + n, 0);
  if (page.compression === 1 && !(held >= needed)) {
    throw corrupt(`it holds ${held} of ${Math.ceil(needed)} bytes`);
  }
  if (page.compression === 7 && page.jpegTables) {
    if (readFrame(page.jpegTables) !== undefined) {
      throw corrupt("its JPEG tables hold a frame");
    }
  }
}

/** Bytes of a block, unpacked. */
export function blockBytes(page: TiffPage): number {
  const { block, bits, samples, isPlanar } = page;
  const row = Math.ceil(block.width * bits * (isPlanar ? 1 : samples) / 8);
  return row * block.height;
}

function checkJpeg(bytes: Uint8Array, { block, samples }: TiffPage): void {
  const frame = readFrame(bytes);
  if (frame === undefined) throw corrupt("a JPEG block has no frame");
  const { height, width, components } = frame;
  // the last strip may be padded to whole units of 16 rows
  if (
    height > block.height + 15 || width > block.width + 15 ||
    components > Math.max(samples, 4)
  ) {
    throw corrupt(
      `a JPEG block has ${height}×${width} pixels, its place ${block.height}×${block.width}`,
    );
  }
}

function checkZstd(bytes: Uint8Array, page: TiffPage): void {
  const claimed = readClaim("zstd", bytes);
  if (claimed === 0) {
    throw new UnsupportedFormatError("Zstandard without its unpacked size", [
      "Zstandard as libtiff writes it",
    ]);
  }
  if (!(claimed <= blockBytes(page) + PADDING_BYTES)) {
    throw corrupt(`a block claims ${claimed} bytes`);
  }
}

/** What geotiff hands to a decoder, and how much a block may hold. */
interface BlockParameters {
  tileWidth: number;
  tileHeight: number;
  planarConfiguration: number;
  bitsPerSample: number[];
  predictor: number;
}

abstract class BoundedDecoder extends BaseDecoder {
  override decodeBlock(buffer: ArrayBufferLike): ArrayBufferLike {
    const { tileWidth, tileHeight, planarConfiguration, bitsPerSample } = this
      .parameters as BlockParameters;
    const [bits] = bitsPerSample;
    const samples = planarConfiguration === 2 ? 1 : bitsPerSample.length;
    const most = Math.ceil(tileWidth * bits * samples / 8) * tileHeight;
    return this.unpack(new Uint8Array(buffer), most).slice().buffer;
  }

  protected abstract unpack(bytes: Uint8Array, maxBytes: number): Uint8Array;
}

class DeflateDecoder extends BoundedDecoder {
  protected override unpack(bytes: Uint8Array, maxBytes: number): Uint8Array {
    return inflate(bytes, maxBytes + PADDING_BYTES, { format: "tiff" });
  }
}

class LzwDecoder extends BoundedDecoder {
  protected override unpack(bytes: Uint8Array, maxBytes: number): Uint8Array {
    return unpackLzw(bytes, maxBytes);
  }
}

/** Rows of a strip can be given as 2^32−1: all rows. */
const readParameters: Parameters<typeof addDecoder>[2] = async (directory) => {
  const isTiled = !directory.hasTag("StripOffsets");
  const height = Number(await directory.loadValue("ImageLength"));
  const [tileWidth, tileHeight] = isTiled
    ? [
      await directory.loadValue("TileWidth"),
      await directory.loadValue("TileLength"),
    ]
    : [
      await directory.loadValue("ImageWidth"),
      await directory.loadValue("RowsPerStrip") ?? height,
    ];
  const samples = Number(await directory.loadValue("SamplesPerPixel") ?? 1);
  const bits = await directory.loadValue("BitsPerSample");
  return {
    tileWidth: Number(tileWidth),
    tileHeight: isTiled
      ? Number(tileHeight)
      : Math.min(height, Number(tileHeight)),
    planarConfiguration: Number(
      await directory.loadValue("PlanarConfiguration") ?? 1,
    ),
    bitsPerSample: Array.from(
      { length: samples },
      (_, i) => Number(bits?.[i] ?? bits?.[0] ?? 1),
    ),
    predictor: Number(await directory.loadValue("Predictor") ?? 1),
  };
};

/** Have the TIFF library unpack blocks within bounds; once is enough. */
export function registerDecoders(): void {
  addDecoder([8, 32946], () => Promise.resolve(DeflateDecoder), readParameters);
  addDecoder(5, () => Promise.resolve(LzwDecoder), readParameters);
}

function corrupt(detail: string): CorruptImageError {
  return new CorruptImageError("tiff", detail);
}
