/**
 * Files, folders and patterns to the images to segment.
 *
 * @module
 */
import { globSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { stemOf } from "../../shared/image/names.ts";
import { listParts } from "./image_file.ts";

/** Files that are read, by the end of their names. */
const IMAGE = /\.(png|jpe?g|webp|tiff?|npy|npz|zarr|flex)$/i;

/** Stems of files that segmenting wrote: Cellpose's and ours. */
const WRITTEN =
  /(_cp_(masks|output|outlines)|_masks|_seg|_(outlines|flows|dP|cellprob|overlay)(_cp_masks)?)$/;

/** How folders are read. */
export interface FindOptions {
  /** Folders within folders, too. */
  readonly recursive: boolean;
  /** Only stems with this end. */
  readonly imageFilter: string;
}

/**
 * Find images; a file that is named is taken whatever its name is.
 *
 * @param inputs   absolute paths of files, folders, patterns
 * @returns        paths without repetition, in natural order for each input
 * @throws {Error} if an input is not there or a pattern or folder has no image
 */
export function findImages(
  inputs: readonly string[],
  { recursive, imageFilter }: FindOptions,
): string[] {
  const isImage = (path: string) => {
    const [name, stem] = [basename(path), stemOf(path)];
    return IMAGE.test(name) && !WRITTEN.test(stem) && !name.startsWith(".") &&
      stem.endsWith(imageFilter);
  };
  const found = inputs.flatMap((input) => {
    const stat = statSync(input, { throwIfNoEntry: false });
    if (stat?.isDirectory() && !/\.zarr$/i.test(input)) {
      const images = dropParts(listFolder(input, recursive).filter(isImage));
      if (images.length === 0) throw new Error(`${input} holds no image`);
      return images;
    }
    if (stat !== undefined) return [input];
    const matches = /[*?{[]/.test(input)
      ? dropParts(
        globSync(input).filter((path) => isImage(path)).sort(byNature),
      )
      : [];
    if (matches.length === 0) throw new Error(`${input} is not there`);
    return matches;
  });
  return [...new Set(found)];
}

/** Leave out files that are read as parts of one before. */
function dropParts(paths: readonly string[]): string[] {
  const parts = new Set<string>();
  return paths.filter((path) => {
    if (parts.has(path)) return false;
    if (!/\.ome\.tiff?$/i.test(path)) return true;
    for (const name of listParts(path)) parts.add(join(dirname(path), name));
    return true;
  });
}

function listFolder(folder: string, recursive: boolean): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory() || /\.zarr$/i.test(entry.name))
    .map(({ name }) => join(folder, name)).sort(byNature);
  if (!recursive) return files;
  const folders = entries
    .filter((entry) => entry.isDirectory() && !/\.zarr$/i.test(entry.name))
    .map(({ name }) => join(folder, name)).sort(byNature);
  return [...files, ...folders.flatMap((path) => listFolder(path, false))];
}

function byNature(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
