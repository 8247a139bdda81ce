/**
 * `convert IN OUT`: label files from any format into any other.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import type { Size2D } from "../shared/ndarray.ts";
import { loadCore } from "../wasm/mod.ts";
import { callerPath } from "./caller_path.ts";
import {
  LABEL_ENDINGS,
  type LabelFormat,
  readLabelFile,
  writeLabelFile,
} from "./label_files.ts";
import { printLine } from "./print.ts";

/** Options of the command. */
export interface ConvertOptions {
  /** Name of a format, where the ending of OUT does not tell. */
  readonly to?: string;
  /** "HEIGHTxWIDTH" of the image, for ROIs and GeoJSON. */
  readonly size?: string;
  /** As "ZYX". */
  readonly axes?: string;
  /** Path of an array in a Zarr or NPZ. */
  readonly entry?: string;
  /** Name of the image, for COCO and _seg.npy. */
  readonly image?: string;
  /** Version of OME-Zarr. */
  readonly ngff?: string;
  readonly json?: boolean;
}

/** Convert one label file and print what it was and became. */
export async function convert(
  from: string,
  to: string,
  options: ConvertOptions = {},
): Promise<void> {
  const { axes, entry, image } = options;
  const labels = await readLabelFile(callerPath(from), {
    ...(axes === undefined ? {} : { axes }),
    ...(entry === undefined ? {} : { entry }),
    ...(options.size === undefined ? {} : { size: parseSize(options.size) }),
  });
  const format = options.to === undefined ? undefined : parseFormat(options.to);
  await writeLabelFile(callerPath(to), labels, {
    core: await loadCore(),
    ...(format === undefined ? {} : { format }),
    ...(image === undefined ? {} : { imageName: image }),
    ...(options.ngff === undefined ? {} : { ngff: parseNgff(options.ngff) }),
  });
  const cells = new Set(labels.masks);
  cells.delete(0);
  const { size, warnings } = labels;
  const shape = Object.values(size);
  if (options.json) {
    return printLine(JSON.stringify({
      from,
      to,
      format: labels.format,
      size,
      cells: cells.size,
      warnings,
    }));
  }
  printLine(`${to}: ${cells.size} cells, ${shape.join("×")}`);
  for (const warning of warnings) printLine(`warning: ${warning}`);
}

/** "512x640" as height and width. */
export function parseSize(text: string): Size2D {
  const match = /^(\d+)[x×](\d+)$/.exec(text);
  const [height, width] = [Number(match?.[1]), Number(match?.[2])];
  if (!(height >= 1 && width >= 1)) {
    throw new ArgumentError("--size", `"${text}" is not HEIGHTxWIDTH`);
  }
  return { height, width };
}

function parseNgff(text: string): "0.4" | "0.5" {
  if (text === "0.4" || text === "0.5") return text;
  throw new ArgumentError("--ngff", `"${text}" is none of 0.4, 0.5`);
}

function parseFormat(text: string): LabelFormat {
  const found = LABEL_ENDINGS.find(([, format]) => format === text);
  if (found) return found[1];
  const names = [...new Set(LABEL_ENDINGS.map(([, format]) => format))];
  throw new ArgumentError("--to", `"${text}" is none of ${names.join(", ")}`);
}
