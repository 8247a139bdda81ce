/**
 * A segmentation to the files that were asked for; names are Cellpose's.
 *
 * Stacks give one TIFF, `_seg.npy` and Zarr, and one file a plane of what
 * holds images only.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { encodeCoco } from "../image/coco.ts";
import type { DecodedArray } from "../image/decoded.ts";
import { drawFlows } from "../image/flow_picture.ts";
import { encodeGeoJson } from "../image/geojson.ts";
import { encodeLabelPng, encodeLabelTiff } from "../image/labels.ts";
import { type OutputNames, outputNames } from "../image/names.ts";
import { encodeOutlinesText } from "../image/outlines_text.ts";
import { drawOutlines } from "../image/overlay.ts";
import { drawOverlaySvg } from "../image/overlay_svg.ts";
import { toPicture } from "../image/picture.ts";
import { encodePicture } from "../image/png.ts";
import { encodeRois } from "../image/roi.ts";
import { encodeSegNpy } from "../image/seg_npy_write.ts";
import { encodeCellTable } from "../image/table.ts";
import { encodeTiff } from "../image/tiff_write.ts";
import { encodeZarrLabels } from "../image/zarr_write.ts";
import { layOutPlanes, readRows } from "./planes.ts";
import type { PlaneResult, SegmentResult } from "./result.ts";
import type { Core } from "../../wasm/mod.ts";
import type { OutputName } from "../schema/output_kinds.ts";

/** What files are made of. */
export interface OutputContext {
  readonly core: Core;
  /** File name of the image. */
  readonly fileName: string;
  /** Its start, that of all files. */
  readonly stem: string;
  readonly image: DecodedArray;
  readonly result: SegmentResult;
}

/** File contents by name. */
export type OutputFiles = Map<string, Uint8Array | string>;

/** Cellpose's networks give, and its files hold, flows of this length. */
const FLOW_SCALE = 5;

/** Outlines: Cellpose's red. */
const RED = { color: [255, 0, 0] } as const;

/** Most labels that a 16-bit PNG holds. */
const MAX_PNG = 65535;

/** One plane and the names of its files. */
interface PlaneContext extends OutputContext {
  readonly plane: PlaneResult;
  readonly index: number;
  readonly names: OutputNames;
}

/**
 * Write one kind of output.
 *
 * @returns file contents by name; none where a kind does not fit
 */
export function writeOutput(
  name: OutputName,
  context: OutputContext,
): OutputFiles {
  const { stem, result: { planes } } = context;
  const isStack = planes.length > 1;
  const isPngTooSmall = isStack || planes[0].count > MAX_PNG;
  if (name === "png" && isPngTooSmall) return writeOutput("tif", context);
  const whole = WHOLE[name];
  const files: OutputFiles = new Map();
  if (whole) {
    whole(files, context, outputNames(stem));
    return files;
  }
  for (const [index, plane] of planes.entries()) {
    const number = `_z${String(index).padStart(3, "0")}`;
    const names = outputNames(isStack ? stem + number : stem);
    EACH[name]?.(files, { ...context, plane, index, names });
  }
  return files;
}

/** Kinds that hold a stack in one file. */
const WHOLE: Partial<
  Record<
    OutputName,
    (files: OutputFiles, context: OutputContext, names: OutputNames) => void
  >
> = {
  tif(files, { result, image: { pixelSize } }, { tif }) {
    files.set(tif, encodeLabelTiff(stackMasks(result), pixelSize));
  },
  zarr(files, { result, image: { pixelSize } }, { zarr }) {
    const options = pixelSize ? { pixelSize } : {};
    for (
      const [path, bytes] of encodeZarrLabels(stackMasks(result), options)
    ) {
      files.set(`${zarr}/${path}`, bytes);
    }
  },
  seg(files, { core, result, fileName }, { seg }) {
    const labels = stackMasks(result);
    const [plane] = result.planes;
    const { flows, cellprob, flowsSize } = plane;
    const isWhole = result.planes.length === 1 &&
      flows.length === 2 * labels.masks.length;
    const source = {
      ...labels,
      filename: fileName,
      outlines: core.outlines(labels.masks, labels.size),
      ...(isWhole
        ? { flows: { rgb: drawFlows(flows, flowsSize).data, flows, cellprob } }
        : {}),
      ...(result.facts.diameter === null
        ? {}
        : { diameter: result.facts.diameter }),
    };
    files.set(seg, encodeSegNpy(source));
  },
};

/** Kinds that hold an image. */
const EACH: Partial<
  Record<OutputName, (files: OutputFiles, context: PlaneContext) => void>
> = {
  png(files, { plane, names }) {
    files.set(names.png, encodeLabelPng(plane));
  },
  rois(files, { core, plane, names }) {
    const rings = core.traceContours(plane.masks, plane.size);
    files.set(names.rois, encodeRois(rings));
  },
  geojson(files, { core, plane, names }) {
    const rings = core.traceContours(plane.masks, plane.size);
    files.set(names.geojson, encodeGeoJson(rings, plane.size));
  },
  csv(files, { plane, image: { pixelSize, channelNames }, names }) {
    const table = encodeCellTable(plane.cells, {
      ...(pixelSize ? { pixelSize } : {}),
      ...(channelNames ? { channelNames } : {}),
    });
    files.set(names.csv, table);
  },
  flows(files, { plane, names }) {
    const { flows, cellprob, flowsSize } = plane;
    const { height, width } = flowsSize;
    files.set(
      names.cellprob,
      encodeTiff({ data: cellprob, axes: "YX", shape: [height, width] }),
    );
    // networks that tell classes have no flows
    if (flows.length === 0) return;
    const scaled = flows.map((value) => FLOW_SCALE * value);
    const rgb = drawFlows(flows, flowsSize).data;
    files.set(
      names.flows,
      encodeTiff({ data: rgb, axes: "YXC", shape: [height, width, 3] }),
    );
    files.set(
      names.flowField,
      encodeTiff({ data: scaled, axes: "CYX", shape: [2, height, width] }),
    );
  },
  outlinesText(files, { core, plane, names }) {
    const rings = core.traceContours(plane.masks, plane.size, {
      along: "centers",
      longest: true,
    });
    files.set(names.outlinesText, encodeOutlinesText(rings));
  },
  outlinesPng(files, context) {
    const { plane, names } = context;
    const picture = drawOutlines(drawPlane(context), plane.masks, RED);
    files.set(names.outlinesPng, encodePicture(picture));
  },
  overlay(files, context) {
    const { core, plane, names } = context;
    const png = encodePicture(drawPlane(context));
    const background = `data:image/png;base64,${
      Buffer.from(png).toString("base64")
    }`;
    const rings = core.traceContours(plane.masks, plane.size);
    files.set(
      names.overlaySvg,
      drawOverlaySvg(rings, plane.size, { background }),
    );
  },
  coco(files, { plane, fileName, names }) {
    files.set(names.coco, encodeCoco(plane, fileName));
  },
};

/** The masks of all planes as one label image. */
function stackMasks({ planes, size }: SegmentResult) {
  if (planes.length === 1) return { masks: planes[0].masks, size };
  const pixels = size.height * size.width;
  const masks = new Uint32Array(planes.length * pixels);
  for (const [z, plane] of planes.entries()) {
    masks.set(plane.masks, z * pixels);
  }
  return { masks, size: { depth: planes.length, ...size } };
}

/** The plane's image in colors. */
function drawPlane({ core, image, index }: PlaneContext) {
  const plane = layOutPlanes(image)[index];
  const { size, channels } = plane;
  const planar = readRows(core, plane, 0, size.height);
  const data = core.toInterleaved(planar, { ...size, channels });
  return toPicture({ data, size, channels });
}
