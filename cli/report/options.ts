/**
 * Options of `report`.
 *
 * @module
 */
import type { Command } from "commander";

/** Of the experiments that train: flag and meaning. */
const TRAINING = {
  "--sam <dir>": "a SAM model for Table 1",
  "--work <dir>": "where trainings are kept",
  "--minutes <n>": "none is begun after",
  "--threads <n>": "of the processor (2)",
  "--network <name>": "design (residual-unet)",
  "--steps <n>": "from scratch (2000)",
  "--epochs <n>": "of a fine-tuning (100)",
  "--rate <number>": "of a fine-tuning (0.0001)",
  "--draws <n>": "of images of a kind (5)",
  "--guarded <n>": "draws that ask the guard (1)",
  "--rounds <n>": "of the human in the loop (5)",
  "--corrections <n>": "in a round, at most (20)",
  "--kind <text>": "only kinds whose name holds this",
};

/** Add them to the command. */
export function addReportOptions(command: Command): Command {
  command
    .option("--data <dir>", "labelled images, for the parts that need them")
    .option("--quick", "fewer seeds, for a first look")
    .option("--model <dir>", "the experiments with a network, for this model")
    .option("--unet <dir>", "with --model: the plain U-Net to compare with")
    .option("--cpnet <dir>", "with --model: the CPnet-shaped network")
    .option("--images <dir>", "with --model: images of the gallery")
    .option("--train <dir...>", "the experiments that train, on these images");
  for (const [flag, meaning] of Object.entries(TRAINING)) {
    command.option(flag, `with --train: ${meaning}`);
  }
  return command;
}
