/**
 * `info FILE`: what an image file holds, without its pixels.
 *
 * @module
 */
import { readFile, stat } from "node:fs/promises";
import FileSystemStore from "@zarrita/storage/fs";
import { decodeImage } from "../shared/image/decode.ts";
import type { DecodedArray } from "../shared/image/decoded.ts";
import { decodeSegNpy, isObjectNpy } from "../shared/image/seg_npy.ts";
import { decodeZarr } from "../shared/image/zarr.ts";
import { callerPath } from "./caller_path.ts";
import { printLine } from "./print.ts";
import { siblingsOf } from "./siblings.ts";

/** Print format, axes, type, pixel size and range of an image. */
export async function infoFile(
  path: string,
  { json = false }: { json?: boolean } = {},
): Promise<void> {
  const facts = await readFacts(callerPath(path));
  if (json) return printLine(JSON.stringify({ file: path, ...facts }));
  for (const [name, value] of Object.entries(facts)) {
    const text = typeof value === "object" && !Array.isArray(value)
      ? Object.entries(value).map(([k, v]) => `${k} ${v}`).join(", ")
      : Array.isArray(value)
      ? value.join(name === "shape" ? "×" : "; ") || "none"
      : `${value}`;
    printLine(`${name.padEnd(16)} ${text}`);
  }
}

async function readFacts(path: string) {
  // local files are the caller's own: labels of few cells pack well
  const options = { limits: { maxRatio: Infinity } };
  if ((await stat(path)).isDirectory()) {
    return describe(await decodeZarr(new FileSystemStore(path), options));
  }
  const bytes = new Uint8Array(await readFile(path));
  if (!isObjectNpy(bytes)) {
    return describe(
      await decodeImage(bytes, { ...options, siblings: siblingsOf(path) }),
    );
  }
  const { masks, size, entries } = decodeSegNpy(bytes);
  const labels = new Set(masks);
  labels.delete(0);
  return {
    format: "Cellpose _seg.npy",
    shape: Object.values(size) as number[],
    cells: labels.size,
    entries: [...entries.keys()],
  };
}

function describe(image: DecodedArray) {
  const { data, format, axes, shape, dtype, axesInferred, warnings } = image;
  const { pixelSize, channelNames } = image;
  let [low, high] = [Infinity, -Infinity];
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return {
    format,
    axes: axesInferred ? `${axes} (inferred)` : axes,
    shape,
    dtype,
    smallest: low,
    largest: high,
    ...(pixelSize && { pixelSizeUm: pixelSize }),
    ...(channelNames && { channelNames }),
    warnings,
  };
}
