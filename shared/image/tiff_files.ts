/**
 * OME-TIFF in several files: pages of the files that its XML names, as if they
 * were one.
 *
 * Only names without a folder are followed, and only as far as the caller
 * opens them. What a named file itself names is not followed.
 *
 * @module
 */
import { isSegError } from "../errors.ts";
import type { ByteSource } from "./byte_source.ts";
import type { Siblings } from "./decoded.ts";
import type { Budget } from "./limits.ts";
import { isOmeXml, type OmeImage, parseOmeXml } from "./ome_xml.ts";
import { areAlike, type OpenedTiff, openTiff } from "./tiff.ts";
import type { PixelArray } from "./types.ts";

/** Files of an image at most. */
const MAX_FILES = 4096;
/** Bytes of an XML file that stands beside the images. */
const MAX_XML_BYTES = 2 ** 26;

/**
 * Open a TIFF file, and the files that it names.
 *
 * Where one of them is missing or does not fit, the file stands for itself,
 * and a warning says why.
 *
 * @throws as `openTiff`, for the file itself
 */
export function openTiffFiles(
  source: ByteSource,
  budget: Budget,
  siblings: Siblings | undefined,
): OpenedTiff {
  const tiff = openTiff(source, budget);
  if (siblings === undefined) return tiff;
  try {
    const set = readSet(tiff, siblings, budget);
    return set === undefined ? tiff : join(tiff, set, { siblings, budget });
  } catch (err) {
    if (!isSegError(err) && !(err instanceof NamedFileError)) throw err;
    return { ...tiff, warnings: [`Read by itself: ${err.message}`] };
  }
}

/**
 * The other files that belong to an OME-TIFF, by name.
 *
 * @returns  none where the file stands for itself, or one cannot be opened
 */
export function listTiffFiles(
  source: ByteSource,
  budget: Budget,
  siblings: Siblings,
): string[] {
  try {
    const set = readSet(openTiff(source, budget), siblings, budget);
    const names = set === undefined ? [] : [...set.beside, ...set.others];
    return names.every((name) => siblings.open(name) !== undefined)
      ? names
      : [];
  } catch (err) {
    if (isSegError(err) || err instanceof NamedFileError) return [];
    throw err;
  }
}

/** What the XML tells of other files. */
interface TiffSet {
  readonly text: string;
  readonly ome: OmeImage;
  /** Names of other files with pages. */
  readonly others: readonly string[];
  /** The XML's own file, where it is none of these. */
  readonly beside: readonly string[];
}

/** A named file that cannot be taken. */
class NamedFileError extends Error {}

function readSet(
  { description = "" }: OpenedTiff,
  siblings: Siblings,
  budget: Budget,
): TiffSet | undefined {
  if (!isOmeXml(description)) return undefined;
  let text = description;
  const own = parseOmeXml(text, { name: siblings.name });
  const beside: string[] = [];
  let ome = own;
  if (own.metadataFile !== undefined) {
    const name = checkName(own.metadataFile);
    text = readXml(openNamed(name, siblings), budget);
    ome = parseOmeXml(text, { name: siblings.name, uuid: own.uuid });
    beside.push(name);
  }
  const others = [
    ...new Set(
      ome.tiffData.flatMap(({ file, isElsewhere }) =>
        isElsewhere && file !== undefined ? [checkName(file)] : []
      ),
    ),
  ];
  if (others.length > MAX_FILES) {
    throw new NamedFileError(`its OME-XML names ${others.length} files`);
  }
  if (others.length === 0 && beside.length === 0) return undefined;
  return {
    text,
    ome,
    others,
    beside: beside.filter((name) => !others.includes(name)),
  };
}

/** Names lead to files of the same folder, and nowhere else. */
function checkName(name: string): string {
  const isPlain = /^[^/\\:\0]+$/.test(name) && name !== "." && name !== "..";
  if (isPlain) return name;
  throw new NamedFileError(
    `its OME-XML names ${
      JSON.stringify(name.slice(0, 80))
    }, which is no file of its folder`,
  );
}

function openNamed(name: string, siblings: Siblings): ByteSource {
  const source = siblings.open(name);
  if (source !== undefined) return source;
  throw new NamedFileError(`its OME-XML names ${name}, which is not beside it`);
}

/** OME-XML of a file of text, or of another TIFF. */
function readXml(source: ByteSource, budget: Budget): string {
  const start = new TextDecoder().decode(source.read(0, 4));
  if (/^(II|MM)/.test(start)) return openTiff(source, budget).description ?? "";
  if (source.length > MAX_XML_BYTES) {
    throw new NamedFileError(`its OME-XML has ${source.length} bytes`);
  }
  return new TextDecoder().decode(source.read(0, source.length));
}

function join(
  tiff: OpenedTiff,
  { text, ome, others }: TiffSet,
  { siblings, budget }: {
    readonly siblings: Siblings;
    readonly budget: Budget;
  },
): OpenedTiff {
  const files = [tiff];
  const firstPages = new Map<string, number>();
  let pages = [...tiff.pages];
  for (const name of others) {
    const source = openNamed(name, siblings);
    const other = openTiff(source, budget);
    checkIdentity(name, ome, other);
    if (!other.pages.every((page) => areAlike(page, tiff.pages[0]))) {
      throw new NamedFileError(`pages of ${name} have another size or type`);
    }
    firstPages.set(name, pages.length);
    pages = pages.concat(other.pages);
    files.push(other);
  }
  const { maxPages } = budget.limits;
  if (pages.length > maxPages) {
    throw new NamedFileError(`its files have ${pages.length} pages`);
  }
  const place = (page: number) => {
    let rest = page;
    for (const file of files) {
      if (rest < file.pages.length) return { file, page: rest };
      rest -= file.pages.length;
    }
    throw new RangeError(`there is no page ${page}`);
  };
  return {
    pages,
    description: text,
    firstPages,
    identity: { name: siblings.name, uuid: ome.uuid },
    async read(order) {
      const { height, width } = pages[order[0]];
      let out: PixelArray | undefined;
      let length = 0;
      for (const [i, index] of order.entries()) {
        const { file, page } = place(index);
        const { data, channels } = await file.read([page]);
        length = height * width * channels;
        budget.checkTime();
        if (order.length === 1) return { data, channels };
        if (out === undefined) {
          budget.checkSize({
            samples: order.length * length,
            bytesPerSample: data.BYTES_PER_ELEMENT,
            encodedBytes: Infinity,
            pages: order.length,
          });
          const type = data.constructor as { new (n: number): PixelArray };
          out = new type(length * order.length);
        }
        out.set(data, i * length);
      }
      const data = out ?? new Uint8Array(0);
      return { data, channels: length / (height * width) };
    },
    readRows(index, top, count) {
      const { file, page } = place(index);
      return file.readRows(page, top, count);
    },
    visitRows(index, visit) {
      const { file, page } = place(index);
      return file.visitRows(page, visit);
    },
  };
}

/** A file of the same name may be of another image. */
function checkIdentity(name: string, ome: OmeImage, other: OpenedTiff): void {
  const told = ome.tiffData.find(({ file }) => file === name)?.uuid;
  const { description = "" } = other;
  if (told === undefined || !isOmeXml(description)) return;
  const { uuid } = parseOmeXml(description);
  if (uuid !== undefined && uuid !== told) {
    throw new NamedFileError(`${name} is of another image: its UUID differs`);
  }
}
