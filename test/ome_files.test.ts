/**
 * OME-TIFF in several files: read as one, within their folder only.
 */
import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zlibSync } from "fflate";
import { afterAll, beforeEach, expect, test } from "vitest";
import { findImages } from "../cli/segment/find_images.ts";
import { openImageFile } from "../cli/segment/image_file.ts";
import { siblingsOf } from "../cli/siblings.ts";
import { decodeImage } from "../shared/image/decode.ts";
import {
  describePage,
  encodeHeader,
  layOutDirectories,
} from "../shared/image/tiff_directories.ts";

const root = mkdtempSync(join(tmpdir(), "ome-files-"));
afterAll(() => rmSync(root, { recursive: true }));
let folder: string;
let folders = 0;
beforeEach(() => {
  folder = join(root, `${folders++}`);
  mkdirSync(folder);
});

const [height, width] = [5, 7];
const uuid = (k: number) => `urn:uuid:00000000-0000-0000-0000-00000000000${k}`;

/** One plane, all of whose pixels tell which. */
const plane = (value: number) =>
  new Uint16Array(height * width).fill(1000 + value);

/** A TIFF file of some pages. */
function tiff(pages: readonly Uint16Array[], text: string): Uint8Array {
  const strips = pages.map((page) => zlibSync(new Uint8Array(page.buffer)));
  let at = 8;
  const places = strips.map(({ length }) => {
    at += length;
    return { offsets: [at - length], counts: [length] };
  });
  const source = {
    data: pages[0],
    axes: "YX",
    shape: [pages[0].length / width, width],
  };
  const { first, tail } = layOutDirectories(at, places, {
    entries: describePage(source, {
      height: pages[0].length / width,
      width,
      samples: 1,
      rowsPerStrip: pages[0].length / width,
    }),
    description: new TextEncoder().encode(text + "\0"),
    isBig: false,
  });
  const parts = [encodeHeader(first, false), ...strips, tail];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** OME-XML of T planes, each in a file of its own. */
function xml(
  own: number,
  names: readonly string[],
  uuids = names.map((_, t) => uuid(t)),
): string {
  const data = names.map((name, t) =>
    `<TiffData FirstT="${t}" IFD="0" PlaneCount="1"><UUID FileName="${name}">${
      uuids[t]
    }</UUID></TiffData>`
  );
  return `<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="${
    uuid(own)
  }"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="${width}" SizeY="${height}" SizeZ="1" SizeC="1" SizeT="${names.length}" PhysicalSizeX="0.5" PhysicalSizeY="0.5"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>${
    data.join("")
  }</Pixels></Image></OME>`;
}

const NAMES = ["a_t0.ome.tif", "a_t1.ome.tif", "a_t2.ome.tif"];

function writeSet(): void {
  for (const [t, name] of NAMES.entries()) {
    writeFileSync(join(folder, name), tiff([plane(t)], xml(t, NAMES)));
  }
}

async function read(name: string, text?: string) {
  const path = join(folder, name);
  if (text !== undefined) writeFileSync(path, tiff([plane(9)], text));
  const file = openImageFile(path);
  try {
    return { image: await file.decode({}), opened: await file.open({}) };
  } finally {
    file.close();
  }
}

test("openImageFile() reads an OME-TIFF in three files from any of them", async () => {
  writeSet();
  for (const name of NAMES) {
    const { image, opened } = await read(name);
    expect(image.axes).toBe("TYX");
    expect(image.shape).toEqual([3, height, width]);
    expect(image.warnings).toEqual([]);
    expect(image.pixelSize).toEqual({ y: 0.5, x: 0.5 });
    for (let t = 0; t < 3; t++) {
      expect(image.data[t * height * width]).toBe(1000 + t);
      expect((await opened!.readBand(t, 2, 1)).data[0]).toBe(1000 + t);
    }
  }
});

test("openImageFile() digests all files of an image", () => {
  writeSet();
  const digest = () => {
    const file = openImageFile(join(folder, NAMES[0]));
    file.close();
    return file.digest;
  };
  const before = digest();
  expect(digest()).toBe(before);
  const other = tiff([plane(5)], xml(2, NAMES));
  writeFileSync(join(folder, NAMES[2]), other);
  expect(digest()).not.toBe(before);
});

test("findImages() lists an image in several files once", () => {
  writeSet();
  writeFileSync(join(folder, "b.ome.tif"), tiff([plane(1)], "none"));
  const options = { recursive: false, imageFilter: "" };
  expect(findImages([folder], options))
    .toEqual(["a_t0.ome.tif", "b.ome.tif"].map((name) => join(folder, name)));
});

test("openImageFile() reads a set whose XML is a file of its own", async () => {
  const pointer = (t: number) =>
    `<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="${
      uuid(t)
    }"><BinaryOnly MetadataFile="a.companion.ome" UUID="${uuid(7)}"/></OME>`;
  for (const [t, name] of NAMES.entries()) {
    writeFileSync(join(folder, name), tiff([plane(t)], pointer(t)));
  }
  writeFileSync(join(folder, "a.companion.ome"), xml(7, NAMES));
  const { image } = await read(NAMES[1]);
  expect(image.warnings).toEqual([]);
  expect(image.axes).toBe("TYX");
  expect([0, 1, 2].map((t) => image.data[t * height * width]))
    .toEqual([1000, 1001, 1002]);
});

test("decodeImage() reads a file by itself where others are missing", async () => {
  const { image } = await read(NAMES[0], xml(0, NAMES));
  expect(image.shape).toEqual([height, width]);
  expect(image.data[0]).toBe(1009);
  expect(image.warnings.join()).toMatch(/a_t1\.ome\.tif.*not beside it/);
  // bytes alone have no folder
  const bytes = tiff([plane(1)], xml(0, NAMES));
  const alone = await decodeImage(bytes);
  expect(alone.shape).toEqual([height, width]);
  expect(alone.warnings.join()).toMatch(/may be in other files/);
});

test.each([
  "../secret.tif",
  "/etc/hostname",
  "sub/secret.tif",
  "..\\secret.tif",
  "C:secret.tif",
  "..",
  ".",
])("decodeImage() opens nothing outside of the folder: %s", async (name) => {
  const secret = tiff([plane(42)], "secret");
  writeFileSync(join(root, "secret.tif"), secret);
  mkdirSync(join(folder, "sub"));
  writeFileSync(join(folder, "sub", "secret.tif"), secret);
  const { image } = await read("a.ome.tif", xml(0, ["a.ome.tif", name]));
  expect(image.warnings.join()).toMatch(/is no file of its folder/);
  expect([...image.data]).not.toContain(1042);
  const asked: string[] = [];
  await decodeImage(tiff([plane(1)], xml(0, ["a.ome.tif", name])), {
    siblings: {
      name: "a.ome.tif",
      open: (other) => void asked.push(other),
    },
  });
  expect(asked).toEqual([]);
});

test("decodeImage() follows no link, and no metadata file outside", async () => {
  writeFileSync(join(root, "secret.tif"), tiff([plane(42)], "secret"));
  symlinkSync(join(root, "secret.tif"), join(folder, "link.tif"));
  expect(siblingsOf(join(folder, "a.tif")).open("link.tif")).toBeUndefined();
  const { image } = await read("a.ome.tif", xml(0, ["a.ome.tif", "link.tif"]));
  expect(image.warnings.join()).toMatch(/link\.tif, which is not beside it/);
  const pointer = `<OME UUID="${
    uuid(0)
  }"><BinaryOnly MetadataFile="../x.ome"/></OME>`;
  const other = await read("b.ome.tif", pointer);
  expect(other.image.warnings.join()).toMatch(/is no file of its folder/);
  expect(other.image.shape).toEqual([height, width]);
});

test.each<[string, RegExp, () => Uint8Array]>([
  ["no TIFF", /Read by itself: /, () => new Uint8Array(99).fill(7)],
  ["cut short", /tiff|TIFF/, () => tiff([plane(1)], "x").slice(0, 30)],
  ["another size", /another size/, () => tiff([new Uint16Array(14)], "x")],
  ["another image", /UUID differs/, () => tiff([plane(1)], xml(5, NAMES))],
  [
    "itself an image of the first, again and again",
    /UUID differs/,
    () => tiff([plane(1)], xml(0, [NAMES[1], NAMES[0]])),
  ],
])("decodeImage() takes no other file that is %s", async (_, why, make) => {
  writeFileSync(join(folder, NAMES[1]), make());
  const { image } = await read(NAMES[0], xml(0, NAMES.slice(0, 2)));
  expect(image.shape).toEqual([height, width]);
  expect(image.warnings.join()).toMatch(why);
});

test("decodeImage() reads no set of too many files", async () => {
  const names = Array.from({ length: 5000 }, (_, i) => `f${i}.tif`);
  const { image } = await read("f0.tif", xml(0, names, names));
  expect(image.warnings.join()).toMatch(/names \d{4} files/);
  expect(image.shape).toEqual([height, width]);
});
