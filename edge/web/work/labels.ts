/**
 * Labels on their way into the page: of files, of answers, packed as runs.
 *
 * @module
 */
import { sniffImage } from "../../../shared/image/sniff.ts";
import { decodeLabels } from "../../../shared/image/read_labels.ts";
import { openTiff } from "../../../shared/image/tiff.ts";
import { isVolume, type Size2D } from "../../../shared/ndarray.ts";
import {
  createPacker,
  pack,
  type PackedLabels,
  summarize,
} from "../edit/packed.ts";
import { openCore } from "./core.ts";

/** Samples of a strip or of a row of tiles; others are unpacked whole. */
const MAX_BLOCK = 2 ** 24;
/** A page that holds labels: one gray sample that counts up from 0. */
const BLACK_IS_ZERO = 1;
const UNSIGNED = 1;

/**
 * Read labels of any label file.
 *
 * @param size    of the labels
 * @param target  size that they are scaled to, nearest pixel; default `size`
 */
export async function readLabels(
  { bytes, size, target }: {
    bytes: Uint8Array<ArrayBuffer>;
    size: Size2D;
    target?: Size2D;
  },
): Promise<PackedLabels & { warnings: string[] }> {
  const isSame = target === undefined || isEqual(size, target);
  if (isSame && isTiff(bytes)) {
    const packed = await readTiff(bytes, size);
    if (packed !== undefined) return { ...summarize(packed), warnings: [] };
  }
  const read = await decodeLabels(bytes, { size });
  if (isVolume(read.size)) {
    throw new Error(
      `These are labels of a volume of ${read.size.depth} planes; open one plane's labels`,
    );
  }
  if (!isEqual(read.size, size)) {
    const { height, width } = read.size;
    throw new Error(
      `These are labels of ${height}×${width} pixels, the image has ${size.height}×${size.width}`,
    );
  }
  const masks = read.masks as Uint32Array<ArrayBuffer>;
  return {
    ...await packLabels({ masks, size, target: target ?? size }),
    warnings: [...read.warnings],
  };
}

/** Pack labels, scaled to another size where it differs, nearest pixel. */
export async function packLabels(
  { masks, size, target }: {
    masks: Uint32Array<ArrayBuffer>;
    size: Size2D;
    target: Size2D;
  },
): Promise<PackedLabels> {
  if (isEqual(size, target)) return summarize(pack(masks));
  const core = await openCore();
  return summarize(
    pack(core.resizeNearest(masks, size, target) as typeof masks),
  );
}

/** Pack the rows of a one-page TIFF as they are read: never all at once. */
async function readTiff(bytes: Uint8Array, { height, width }: Size2D) {
  const { pages, visitRows } = openTiff(bytes);
  const [page] = pages;
  const isPlain = pages.length === 1 && page.samples === 1 &&
    page.height === height && page.width === width &&
    page.photometric === BLACK_IS_ZERO && page.sampleFormat === UNSIGNED &&
    page.bits <= 32 && page.block.height * width <= MAX_BLOCK;
  if (!isPlain) return undefined;
  const packer = createPacker();
  await visitRows(0, packer.add);
  return packer.finish();
}

function isTiff(bytes: Uint8Array): boolean {
  try {
    return sniffImage(bytes) === "tiff";
  } catch {
    // labels have formats that images have not
    return false;
  }
}

function isEqual(a: Size2D, b: Size2D): boolean {
  return a.height === b.height && a.width === b.width;
}
