/**
 * Labels as GeoJSON, as QuPath reads and writes it: exact edges of pixels.
 *
 * @module
 */
import { CorruptImageError } from "../errors.ts";
import type { Size2D } from "../ndarray.ts";
import {
  boundRings,
  groupRings,
  paintRings,
  type Ring,
  type Rings,
} from "./rings.ts";

/** Labels read from polygons. */
export interface PaintedLabels {
  readonly masks: Uint32Array;
  readonly size: Size2D;
  readonly warnings: readonly string[];
}

/**
 * Encode labels as a FeatureCollection: one detection a label.
 *
 * @param rings  along the edges of pixels, with holes: `traceContours`'
 *   default
 * @param size   of the image, kept as a foreign member
 *
 * Source: RFC 7946 (§6.1 foreign members); QuPath's `objectType`.
 */
export function encodeGeoJson(rings: Rings, size: Size2D): string {
  const features = groupRings(rings).map(({ label, polygons }) => {
    const closed = polygons.map((polygon) =>
      polygon.map((ring) => [...ring, ring[0]])
    );
    return JSON.stringify({
      type: "Feature",
      id: featureId(label),
      geometry: closed.length === 1
        ? { type: "Polygon", coordinates: closed[0] }
        : { type: "MultiPolygon", coordinates: closed },
      properties: {
        objectType: "detection",
        name: `${label}`,
        classification: { name: "Cell", color: [255, 225, 25] },
        measurements: { label },
      },
    });
  });
  const { height, width } = size;
  return `{"type":"FeatureCollection","image":${
    JSON.stringify({ height, width })
  },"features":[\n${features.join(",\n")}\n]}\n`;
}

/**
 * Decode labels from GeoJSON: polygons of features, points are left out.
 *
 * @param text  a FeatureCollection, a list of features (QuPath), or one
 * @param size  of the image; default: what our files tell, else what holds all
 *   polygons, with a warning
 * @throws {CorruptImageError}
 */
export function decodeGeoJson(text: string, size?: Size2D): PaintedLabels {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (err) {
    throw new CorruptImageError("geojson", "it is no JSON", { cause: err });
  }
  const list: unknown = Array.isArray(root)
    ? root
    : field(root, "features") ?? [root];
  if (!Array.isArray(list)) throw corrupt("it has no features");
  const cells = list.map(readFeature).filter((cell) => cell !== undefined);
  const told = readSize(field(root, "image"));
  const bound = size ?? told;
  const all = bound ?? boundRings(cells.flatMap(({ rings }) => rings));
  const warnings = bound
    ? []
    : [`The size ${all.height}×${all.width} is that of the polygons`];
  return { ...paintCells(cells, all), warnings };
}

/** Cells to paint; those without a number get the next free one. */
export interface Cell {
  readonly label?: number;
  readonly rings: readonly Ring[];
}

/**
 * Paint cells into new masks, in their order.
 *
 * @throws {CorruptImageError} if the masks exceed 2^30 pixels
 */
export function paintCells(
  cells: readonly Cell[],
  size: Size2D,
): { masks: Uint32Array; size: Size2D } {
  const pixels = size.height * size.width;
  if (!(pixels <= 2 ** 30)) {
    throw corrupt(`the polygons span ${size.height}×${size.width} pixels`);
  }
  const masks = new Uint32Array(pixels);
  const used = new Set<number>();
  let next = 1;
  for (const { label, rings } of cells) {
    // numbers that occur twice are two cells
    const isFree = label !== undefined && label >= 1 && label < 2 ** 32 &&
      Number.isInteger(label) && !used.has(label);
    while (!isFree && used.has(next)) next++;
    const number = isFree ? label : next;
    used.add(number);
    paintRings(masks, size, { label: number, rings });
  }
  return { masks, size };
}

function readFeature(feature: unknown): Cell | undefined {
  const geometry = field(feature, "geometry");
  const coordinates = field(geometry, "coordinates");
  const type = field(geometry, "type");
  if (type !== "Polygon" && type !== "MultiPolygon") return undefined;
  const polygons: unknown[] = type === "Polygon"
    ? [coordinates]
    : toList(coordinates);
  const rings = polygons.flatMap(toList).map((ring) =>
    toList(ring).map((point) => {
      const [x, y] = toList(point).map(Number);
      if (!Number.isFinite(x + y)) throw corrupt("a point is no number");
      return [x, y] as const;
    })
  );
  const properties = field(feature, "properties");
  const label = Number(
    field(field(properties, "measurements"), "label") ??
      field(properties, "name"),
  );
  return Number.isInteger(label) ? { label, rings } : { rings };
}

function readSize(value: unknown): Size2D | undefined {
  const [height, width] = [field(value, "height"), field(value, "width")];
  return Number.isInteger(height) && Number.isInteger(width) &&
      Number(height) > 0 && Number(width) > 0
    ? { height: Number(height), width: Number(width) }
    : undefined;
}

/** A UUID (version 8, its own meaning) that spells the label. */
function featureId(label: number): string {
  const hex = label.toString(16).padStart(12, "0");
  return `63656c6c-0000-8000-8000-${hex}`;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function toList(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw corrupt("coordinates are no list");
  return value;
}

function corrupt(detail: string): CorruptImageError {
  return new CorruptImageError("geojson", detail);
}
