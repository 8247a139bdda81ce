/**
 * What the pipeline does differently for each family of networks.
 *
 * @module
 */
import type { ModelInfo } from "../schema/model.ts";

/** A family's traits. */
export interface Family {
  /** What the network's planes are. */
  readonly output: "flows" | "semantic" | "prompts";
  /** Small images are padded to a whole tile. */
  readonly padToTile: boolean;
  /** The tile is part of the network: no other can be asked for. */
  readonly isTileFixed: boolean;
  /** How its program samples flows: see the core's `followFlows`. */
  readonly convention: "cellpose" | "plain";
  /** Channels without a choice: the image's first ones, or their mean. */
  readonly defaultChannels: "first" | "gray";
}

/**
 * The families.
 *
 * Source: cellpose 4.2.1.1 `run_net`, `convert_image` (SAM, DINO); cellpose
 * 3.1 `run_net`, `reshape`, `steps2D_interp` (U-Net, on a processor).
 */
export const FAMILY: Readonly<Record<ModelInfo["family"], Family>> = {
  "cellpose-sam": {
    output: "flows",
    padToTile: true,
    isTileFixed: true,
    convention: "cellpose",
    defaultChannels: "first",
  },
  "cellpose-dino": {
    output: "flows",
    padToTile: true,
    isTileFixed: false,
    convention: "cellpose",
    defaultChannels: "first",
  },
  "cellpose-unet": {
    output: "flows",
    padToTile: false,
    isTileFixed: false,
    convention: "plain",
    defaultChannels: "gray",
  },
  // fully convolutional: what fits a tile is one pass at its own size
  "cytoedge": {
    output: "flows",
    padToTile: false,
    isTileFixed: false,
    convention: "plain",
    defaultChannels: "first",
  },
  "unet": {
    output: "semantic",
    padToTile: false,
    isTileFixed: false,
    convention: "plain",
    defaultChannels: "first",
  },
  "sam": {
    output: "prompts",
    padToTile: true,
    isTileFixed: true,
    convention: "cellpose",
    defaultChannels: "first",
  },
};
