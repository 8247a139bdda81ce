/**
 * COCO's JSON to labels: masks in run lengths, and polygons.
 *
 * @module
 */
import { CorruptImageError } from "../errors.ts";
import type { Size2D } from "../ndarray.ts";
import { type Cell, paintCells, type PaintedLabels } from "./geojson.ts";
import type { Ring } from "./rings.ts";

/** Runs of one label, in columns: start and end by turns. */
type Runs = number[];

function unpackCounts(text: string): number[] {
  const counts: number[] = [];
  for (let at = 0; at < text.length;) {
    let [value, shift] = [0, 0];
    for (;;) {
      const code = text.charCodeAt(at++) - 48;
      if (!(code >= 0 && code < 64) || shift > 30) {
        throw corrupt("its run lengths are broken");
      }
      value |= (code & 31) << shift;
      shift += 5;
      if ((code & 32) === 0) {
        if (code & 16 && shift < 32) value |= -1 << shift;
        break;
      }
    }
    counts.push(counts.length > 2 ? value + counts[counts.length - 2] : value);
  }
  return counts;
}

/**
 * Decode labels of the first image, or of `imageId`.
 *
 * Masks in run lengths, packed or not, and polygons. Labels are annotation
 * ids where these differ, else the order; later cells lie above earlier ones.
 *
 * @throws {CorruptImageError}
 */
export function decodeCoco(
  text: string,
  { size, imageId }: { size?: Size2D; imageId?: number } = {},
): PaintedLabels {
  const root = parse(text);
  const images = list(root.images);
  const image = imageId === undefined
    ? images[0]
    : images.find(({ id }) => id === imageId);
  const told = { height: Number(image?.height), width: Number(image?.width) };
  const { height, width } = size ?? told;
  if (!(Number.isInteger(height * width) && height > 0 && width > 0)) {
    throw corrupt("its image has no size");
  }
  const all = { height, width };
  const cells = list(root.annotations)
    .filter(({ image_id }) => !image || image_id === image.id);
  const warnings = images.length > 1 && imageId === undefined
    ? [`The first of ${images.length} images is read`]
    : [];
  const painted = cells.map((cell): Cell & { runs?: Runs } => {
    const id = Number(cell.id);
    const label = Number.isInteger(id) && id > 0 ? { label: id } : {};
    const segmentation = cell.segmentation;
    return Array.isArray(segmentation)
      ? { ...label, rings: segmentation.map(readRing) }
      : { ...label, rings: [], runs: readRuns(segmentation, all) };
  });
  const { masks } = paintCells(painted, all);
  for (const { label, runs } of number(painted)) {
    for (let i = 0; i < runs.length; i += 2) {
      for (let at = runs[i]; at < runs[i + 1]; at++) {
        masks[(at % height) * width + Math.floor(at / height)] = label;
      }
    }
  }
  return { masks, size: all, warnings };
}

/** Number cells of run lengths: ids that are new, else the next free one. */
function number(cells: readonly (Cell & { runs?: Runs })[]) {
  const used = new Set<number>();
  let next = 1;
  return cells.flatMap(({ label, runs }) => {
    const isFree = label !== undefined && !used.has(label);
    while (!isFree && used.has(next)) next++;
    const id = isFree ? label : next;
    used.add(id);
    return runs ? [{ label: id, runs }] : [];
  });
}

function readRuns(segmentation: unknown, { height, width }: Size2D): Runs {
  const { counts, size } = (segmentation ?? {}) as Record<string, unknown>;
  if (Array.isArray(size) && (size[0] !== height || size[1] !== width)) {
    throw corrupt(`a mask is ${size.join("×")}, the image ${height}×${width}`);
  }
  const lengths = typeof counts === "string"
    ? unpackCounts(counts)
    : Array.isArray(counts)
    ? counts.map(Number)
    : [];
  const runs: Runs = [];
  let at = 0;
  for (const [i, length] of lengths.entries()) {
    if (!(length >= 0) || at + length > height * width) {
      throw corrupt("its run lengths exceed the image");
    }
    if (i % 2 === 1) runs.push(at, at + length);
    at += length;
  }
  return runs;
}

function readRing(flat: unknown): Ring {
  if (!Array.isArray(flat)) throw corrupt("a polygon is no list");
  return Array.from({ length: flat.length >> 1 }, (_, i) => {
    const [x, y] = [Number(flat[2 * i]), Number(flat[2 * i + 1])];
    if (!Number.isFinite(x + y)) throw corrupt("a point is no number");
    return [x, y] as const;
  });
}

function parse(text: string): Record<string, unknown> {
  try {
    const root: unknown = JSON.parse(text);
    if (typeof root === "object" && root !== null) {
      return root as Record<string, unknown>;
    }
  } catch (err) {
    throw new CorruptImageError("coco", "it is no JSON", { cause: err });
  }
  throw corrupt("it is no object");
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value)
    ? value.filter((item) => typeof item === "object" && item !== null)
    : [];
}

function corrupt(detail: string): CorruptImageError {
  return new CorruptImageError("coco", detail);
}
