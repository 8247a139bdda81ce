/**
 * What OME-Zarr (NGFF) says of an image.
 *
 * @module
 */
import { type PixelSize, toMicrometers } from "./pixel_size.ts";

/** Facts of the first multiscale image of a group. */
export interface NgffFacts {
  /** Path of the full resolution, below the group. */
  readonly path?: string;
  readonly axes?: string;
  readonly pixelSize?: PixelSize;
  readonly channelNames?: readonly string[];
}

type Attributes = Readonly<Record<string, unknown>>;

/**
 * Read a group's attributes.
 *
 * @param attributes  of version 0.4, or what is under "ome" in 0.5
 *
 * Source: NGFF 0.4 and 0.5, §3.4 multiscales; omero's channel labels.
 */
export function readNgff(attributes: Attributes): NgffFacts {
  const [image] = list(attributes.multiscales);
  const [dataset] = list(image?.datasets);
  if (dataset === undefined || typeof dataset.path !== "string") return {};
  const axes = list(image.axes);
  // versions before 0.4 name axes by strings; before 0.3 they are TCZYX
  const names = Array.isArray(image.axes)
    ? image.axes.map((axis: unknown) =>
      typeof axis === "string" ? axis : String((axis as Attributes)?.name)
    ).join("").toUpperCase()
    : "TCZYX";
  const channels = list((attributes.omero as Attributes)?.channels)
    .map(({ label }, i) => typeof label === "string" ? label : `channel ${i}`);
  const pixelSize = readScale(dataset, axes, names);
  return {
    path: dataset.path,
    ...(/^[TCZYX]{2,5}$/.test(names) && { axes: names }),
    ...(pixelSize && { pixelSize }),
    ...(channels.length > 0 && { channelNames: channels }),
  };
}

function readScale(
  dataset: Attributes,
  axes: readonly Attributes[],
  names: string,
): PixelSize | undefined {
  const scale = list(dataset.coordinateTransformations)
    .find(({ type }) => type === "scale")?.scale;
  if (!Array.isArray(scale)) return undefined;
  const read = (name: string) => {
    const at = names.indexOf(name);
    const unit = axes[at]?.unit;
    // without a unit, the scale is of no length
    return at < 0 || typeof unit !== "string"
      ? undefined
      : toMicrometers(Number(scale[at]), unit);
  };
  const [z, y, x] = [read("Z"), read("Y"), read("X")];
  if (!y || !x) return undefined;
  return z ? { z, y, x } : { y, x };
}

function list(value: unknown): Attributes[] {
  return Array.isArray(value)
    ? value.filter((item) => typeof item === "object" && item !== null)
    : [];
}
