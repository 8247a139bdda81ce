/**
 * Pictures of Figure 7: image, probability, flow, masks, one row an encoder.
 *
 * @module
 */
import { drawFlows } from "../../../shared/image/flow_picture.ts";
import {
  drawOutlines,
  PREDICTION,
  TRUTH,
} from "../../../shared/image/overlay.ts";
import { placeInRow, toPicture } from "../../../shared/image/picture.ts";
import { encodePicture } from "../../../shared/image/png.ts";
import { cropPlanes } from "../crop.ts";
import type { LabelledImage } from "../model/images.ts";
import { trueDiameter } from "../model/robustness.ts";
import { runPlane } from "../model/segmenters.ts";
import type { Lab } from "./lab.ts";

/** Edge of what is shown, pixels. */
const SHOWN = 160;

/** The middle of an image, as an image. */
export function cropMiddle(image: LabelledImage): LabelledImage {
  const { size, channels, truth } = image;
  const height = Math.min(SHOWN, size.height);
  const width = Math.min(SHOWN, size.width);
  const box = {
    top: (size.height - height) >> 1,
    left: (size.width - width) >> 1,
    height,
    width,
  };
  // rows of interleaved channels are rows of more pixels
  const wide = { height: size.height, width: size.width * channels };
  const data = cropPlanes(image.data, wide, {
    ...box,
    left: box.left * channels,
    width: width * channels,
  });
  return {
    ...image,
    data,
    truth: cropPlanes(truth, size, box),
    size: { height, width },
  };
}

/** Draw what one model makes of an image. */
export async function drawAlignment(
  { deps: { core, openEncoder } }: Lab,
  model: string,
  image: LabelledImage,
): Promise<Uint8Array> {
  const encoder = await openEncoder(model);
  try {
    const diameter = trueDiameter(image);
    const plane = await runPlane(core, encoder, image, { diameter });
    const { size, channels } = image;
    const shown = toPicture({ data: image.data, size, channels });
    const probability = toPicture({
      data: plane.cellprob.map((logit) => 255 / (1 + Math.exp(-logit))),
      size,
      channels: 1,
    }, { range: [0, 255] });
    const masks = drawOutlines(
      drawOutlines(shown, image.truth, TRUTH),
      plane.masks,
      PREDICTION,
    );
    const flows = drawFlows(plane.flows, size);
    return encodePicture(placeInRow([shown, probability, flows, masks]));
  } finally {
    await encoder.close();
  }
}
