/**
 * The metadata of label images in Zarr: groups, arrays, NGFF.
 *
 * @module
 */
import type { PixelSize } from "./pixel_size.ts";

/** Of gzip, 0–9: labels pack almost as well as at 9. */
export const LEVEL = 4;

/** What is described. */
export interface ZarrAbout {
  /** Name of the label image. */
  readonly name: string;
  /** Z if there are planes, Y, X. */
  readonly shape: readonly number[];
  readonly chunk: readonly number[];
  /** u32, not u16. */
  readonly isWide: boolean;
  readonly pixelSize: PixelSize | undefined;
}

type Described = Generator<[path: string, content: Uint8Array]>;

/**
 * Describe labels in Zarr 3.
 *
 * Source: Zarr 3 core; NGFF 0.5 §2.4 multiscales, §2.6 labels.
 */
export function* describeNgff05(about: ZarrAbout): Described {
  const { name, shape, chunk, isWide } = about;
  const group = (ome: Record<string, unknown>) =>
    toJson({
      zarr_format: 3,
      node_type: "group",
      attributes: { ome: { version: "0.5", ...ome } },
    });
  // the root shows the labels as its image, so that it opens by itself
  yield [
    "zarr.json",
    group({ multiscales: [multiscale(about, `labels/${name}/0`)] }),
  ];
  yield ["labels/zarr.json", group({ labels: [name] })];
  yield [
    `labels/${name}/zarr.json`,
    group({ multiscales: [multiscale(about, "0")], ...IMAGE_LABEL }),
  ];
  yield [
    `labels/${name}/0/zarr.json`,
    toJson({
      zarr_format: 3,
      node_type: "array",
      shape,
      data_type: isWide ? "uint32" : "uint16",
      chunk_grid: { name: "regular", configuration: { chunk_shape: chunk } },
      chunk_key_encoding: {
        name: "default",
        configuration: { separator: "/" },
      },
      fill_value: 0,
      codecs: [
        { name: "bytes", configuration: { endian: "little" } },
        { name: "gzip", configuration: { level: LEVEL } },
      ],
      dimension_names: nameAxes(about),
      attributes: {},
    }),
  ];
}

/**
 * Describe labels in Zarr 2.
 *
 * Source: Zarr 2 §4; NGFF 0.4 §3.4 multiscales, §3.6 labels.
 */
export function* describeNgff04(about: ZarrAbout): Described {
  const { name, shape, chunk, isWide } = about;
  const version = "0.4";
  const groups: [path: string, attributes: Record<string, unknown>][] = [
    ["", {
      multiscales: [{ version, ...multiscale(about, `labels/${name}/0`) }],
    }],
    ["labels/", { labels: [name] }],
    [`labels/${name}/`, {
      multiscales: [{ version, ...multiscale(about, "0") }],
      "image-label": { version, ...IMAGE_LABEL["image-label"] },
    }],
  ];
  for (const [path, attributes] of groups) {
    yield [`${path}.zgroup`, toJson({ zarr_format: 2 })];
    yield [`${path}.zattrs`, toJson(attributes)];
  }
  yield [
    `labels/${name}/0/.zarray`,
    toJson({
      zarr_format: 2,
      shape,
      chunks: chunk,
      dtype: isWide ? "<u4" : "<u2",
      compressor: { id: "gzip", level: LEVEL },
      fill_value: 0,
      order: "C",
      filters: null,
      dimension_separator: "/",
    }),
  ];
}

const IMAGE_LABEL = { "image-label": { source: { image: "../../" } } };

/** One resolution. */
function multiscale(about: ZarrAbout, path: string) {
  const { name, pixelSize } = about;
  const axes = nameAxes(about);
  const unit = pixelSize ? { unit: "micrometer" } : {};
  const scale = axes.map((axis) => pixelSize?.[axis] ?? 1);
  return {
    name,
    axes: axes.map((axis) => ({ name: axis, type: "space", ...unit })),
    datasets: [{
      path,
      coordinateTransformations: [{ type: "scale", scale }],
    }],
  };
}

function nameAxes({ shape }: ZarrAbout): ("z" | "y" | "x")[] {
  return shape.length === 3 ? ["z", "y", "x"] : ["y", "x"];
}

function toJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value, null, 2));
}
