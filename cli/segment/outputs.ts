/**
 * The files that a segmentation can be written to; names are Cellpose's.
 *
 * @module
 */
import type { DecodedArray } from "../../shared/image/decoded.ts";
import { drawFlows } from "../../shared/image/flow_picture.ts";
import { encodePicture, encodePng } from "../../shared/image/png.ts";
import type {
  PlaneResult,
  SegmentResult,
} from "../../shared/pipeline/result.ts";
import type { Core } from "../../wasm/mod.ts";

/** What writers get. */
export interface OutputContext {
  readonly core: Core;
  /** File name of the image. */
  readonly name: string;
  readonly image: DecodedArray;
  readonly result: SegmentResult;
}

/** A file to be written: what follows the image's stem, and its bytes. */
export interface OutputFile {
  readonly suffix: string;
  readonly bytes: Uint8Array;
}

/** A kind of output and its option. */
export interface Output {
  /** `--save-FLAG`, or `--no-FLAG` where it is written by default. */
  readonly flag: string;
  readonly isDefault: boolean;
  readonly meaning: string;
  readonly write: (
    context: OutputContext,
  ) => OutputFile[] | Promise<OutputFile[]>;
}

/** All outputs, in the order they are written. */
export const OUTPUTS: Readonly<Record<string, Output>> = {
  png: {
    flag: "png",
    isDefault: false,
    meaning: "masks as 16-bit PNG, _cp_masks.png",
    write: ({ result }) =>
      eachPlane(
        result,
        "_cp_masks",
        ".png",
        ({ masks, size }) =>
          encodePng({ data: Uint16Array.from(masks), size, channels: 1 }),
      ),
  },
  flows: {
    flag: "flows",
    isDefault: false,
    meaning: "flows as a picture, _flows_cp_masks.png",
    write: ({ result }) =>
      eachPlane(
        result,
        "_flows_cp_masks",
        ".png",
        ({ flows, flowsSize }) => encodePicture(drawFlows(flows, flowsSize)),
      ),
  },
};

/** One file, or one a plane with its number before the end. */
function eachPlane(
  { planes }: SegmentResult,
  name: string,
  end: string,
  write: (plane: PlaneResult) => Uint8Array,
): OutputFile[] {
  return planes.map((plane, z) => ({
    suffix: planes.length > 1
      ? `_z${String(z).padStart(3, "0")}${name}${end}`
      : `${name}${end}`,
    bytes: write(plane),
  }));
}
