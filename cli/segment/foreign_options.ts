/**
 * Options of Cellpose's command line that have no counterpart here, and what
 * does what they did.
 *
 * @module
 */
import { type Command, Option } from "commander";
import { UsageError } from "../usage_error.ts";

const NAMED_AXES = "the axes are named, as in --axes ZYX or --axes CYX";
const ONE_FOLDER = "all files go to the folder of --out";
const ONLY_2D = "3-D segmentation is not there yet";
const TRAINING = "networks are trained by the command `train`";

/** Flags, and what to do instead. */
const FOREIGN: Readonly<Record<string, string>> = {
  "--add-model": "models are made by the command `import`",
  "--chan2-restore": "networks that restore images are not there",
  "--channel-axis": NAMED_AXES,
  "--dir-above": ONE_FOLDER,
  "--file-list": "images are named one by one, or as a pattern",
  "--flow3D-smooth": ONLY_2D,
  "--gpu-device": "give --provider cuda; CUDA_VISIBLE_DEVICES chooses the card",
  "--in-folders": ONE_FOLDER,
  "--output-name": "files are named as Cellpose names them by default",
  "--pretrained-model-ortho": ONLY_2D,
  "--restore-type": "networks that restore images are not there",
  "--save-mpl": "--save-outlines and --save-overlay draw the cells",
  "--test-dir": TRAINING,
  "--train": TRAINING,
  "--train-size": TRAINING,
  "--z-axis": NAMED_AXES,
  "--Zstack": NAMED_AXES,
};

/** Take the flags, so that they are not unknown. */
export function addForeignOptions(command: Command): void {
  for (const flag of Object.keys(FOREIGN)) {
    command.addOption(new Option(`${flag} [value...]`).hideHelp());
  }
}

/**
 * Say what to do instead of a flag that was given.
 *
 * @throws {UsageError} naming the flag
 */
export function refuseForeignOptions(given: Record<string, unknown>): void {
  for (const [flag, instead] of Object.entries(FOREIGN)) {
    if (given[new Option(flag).attributeName()] === undefined) continue;
    throw new UsageError(`option ${flag}: ${instead}`);
  }
}
