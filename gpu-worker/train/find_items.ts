/**
 * Folders to training items: images, their labels, and what is told of them.
 *
 * A `manifest.json` decides where there is one; else names do: `a.png` with
 * `a_masks.tif`, `a_cp_masks.png`, `a_labels.png`, `a_seg.npy`, `a.geojson`.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { ArgumentError } from "../../shared/errors.ts";
import { imageStemOf, stemOf } from "../../shared/image/names.ts";

/** An image to learn from. */
export interface ItemFile {
  /** Unique: the folder's name and the file's. */
  readonly name: string;
  readonly image: string;
  /** None: the item needs a teacher. */
  readonly labels?: string;
  /** Modality of the manifest, else the folder's name. */
  readonly kind: string;
  readonly licence: string | null;
}

const IMAGE = /\.(png|jpe?g|webp|tiff?|npy|npz)$/i;
const LABELS = /\.(tiff?|png|npy|npz|geojson|json|zip)$/i;
/** Files that segmenting writes beside labels. */
const WRITTEN = /_(outlines|flows|dP|cellprob|overlay)(_cp_masks)?$/;

/** Where an image has several label files, the first of these is taken. */
const PREFERRED = [
  /_masks?\.(tiff?|png|npy|npz)$/i,
  /_labels?\.(tiff?|png|npy|npz)$/i,
  /_seg\.npy$/i,
  /\.geojson$/i,
  /./,
];

const Manifest = z.looseObject({
  images: z.array(z.looseObject({
    file: z.string(),
    labels: z.string().optional(),
    modality: z.string().optional(),
    licence: z.string().nullable().optional(),
    evaluation_only: z.boolean().optional(),
  })),
});

/**
 * Find the items of folders, in the order of their names.
 *
 * @param folders  absolute paths
 * @throws {ArgumentError} if a folder is missing or holds no image, or an item
 *   is for evaluation only
 */
export function findItems(folders: readonly string[]): ItemFile[] {
  const items = folders.flatMap((folder) => {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
      throw new ArgumentError("images", `${folder} is no folder`);
    }
    const manifest = join(folder, "manifest.json");
    const found = existsSync(manifest)
      ? readManifest(folder, manifest)
      : pairByName(folder);
    if (found.length === 0) {
      throw new ArgumentError("images", `${folder} holds no image`);
    }
    return found;
  });
  const names = new Map<string, string>();
  for (const { name, image } of items) {
    const other = names.get(name);
    if (other !== undefined) {
      throw new ArgumentError("images", `${other} and ${image} share a name`);
    }
    names.set(name, image);
  }
  // the order must not depend on the file system or the command line
  return items.sort((a, b) => a.name < b.name ? -1 : 1);
}

function readManifest(folder: string, path: string): ItemFile[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new ArgumentError("images", `${path} is no JSON: ${cause}`);
  }
  const read = Manifest.safeParse(value);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new ArgumentError(
      "images",
      `${path}: ${issue.path.join(".")}: ${issue.message}`,
    );
  }
  return read.data.images.map((entry) => {
    if (entry.evaluation_only === true) {
      throw new ArgumentError(
        "images",
        `${entry.file} of ${path} is marked evaluation_only: it must not be trained on`,
      );
    }
    return {
      name: `${basename(folder)}/${entry.file}`,
      image: join(folder, entry.file),
      ...(entry.labels === undefined
        ? {}
        : { labels: join(folder, entry.labels) }),
      kind: entry.modality ?? basename(folder),
      licence: entry.licence ?? null,
    };
  });
}

function pairByName(folder: string): ItemFile[] {
  const files = readdirSync(folder).filter((name) => !name.startsWith("."));
  const isLabels = (name: string) =>
    imageStemOf(name) !== stemOf(name) || /\.(geojson|json|zip)$/i.test(name);
  const labels = Map.groupBy(
    files.filter((name) => LABELS.test(name) && isLabels(name)),
    imageStemOf,
  );
  return files
    .filter((name) => IMAGE.test(name) && !isLabels(name))
    .filter((name) => !WRITTEN.test(stemOf(name)))
    .map((name) => {
      const found = labels.get(stemOf(name)) ?? [];
      const chosen = PREFERRED
        .map((pattern) => found.find((each) => pattern.test(each)))
        .find((each) => each !== undefined);
      return {
        name: `${basename(folder)}/${name}`,
        image: join(folder, name),
        ...(chosen === undefined ? {} : { labels: join(folder, chosen) }),
        kind: basename(folder),
        licence: null,
      };
    });
}
