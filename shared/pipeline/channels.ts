/**
 * Which of an image's channels the network gets.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import type { ModelInfo } from "../schema/model.ts";
import { FAMILY } from "./families.ts";
import type { Warning } from "./warnings.ts";

/** A plane of the network's input: a channel from 0, a mean, or zeros. */
export type ChannelSource = number | "mean" | "zeros";

/** Channels as the caller asks for them: numbers from 1, 0, or names. */
export type ChannelRequest = readonly (number | string)[] | null;

/** What an image says of its channels. */
export interface ChannelFacts {
  readonly channels: number;
  /** One name a channel, where the file has them. */
  readonly channelNames?: readonly string[] | undefined;
}

/**
 * Choose the channels: as asked for, or as the model's family takes them.
 *
 * @param image    the image's channels and their names
 * @param model    channels that the network takes
 * @param request  numbers from 1 or names, in the network's order; 0 is the
 *                 mean of all in the first place and nothing in others
 * @returns        one source for each of the network's channels, and warnings
 * @throws {ArgumentError} `channels`, if there is no such channel
 *
 * Source: cellpose 4.2.1.1 `convert_image` (first three channels); cellpose
 * 3.1 `reshape` (`channels`).
 * Differs: names.
 */
export function chooseChannels(
  image: ChannelFacts,
  model: Pick<ModelInfo, "channels" | "family">,
  request: ChannelRequest,
): { sources: ChannelSource[]; warnings: Warning[] } {
  const fill = (chosen: ChannelSource[]) =>
    Array.from({ length: model.channels }, (_, i) => chosen[i] ?? "zeros");
  if (request !== null) {
    if (request.length > model.channels) {
      throw new ArgumentError(
        "channels",
        `has ${request.length} entries, the model takes ${model.channels}`,
      );
    }
    const chosen = request.map((entry, i) => readEntry(entry, i, image));
    return { sources: fill(chosen), warnings: [] };
  }
  if (FAMILY[model.family].defaultChannels === "gray") {
    return { sources: fill([image.channels === 1 ? 0 : "mean"]), warnings: [] };
  }
  const taken = Math.min(image.channels, model.channels);
  const warnings: Warning[] = taken < image.channels
    ? [{
      code: "channels-left-out",
      message:
        `The image has ${image.channels} channels, the model takes the first ${taken}; choose with channels`,
    }]
    : [];
  return {
    sources: fill(Array.from({ length: taken }, (_, i) => i)),
    warnings,
  };
}

function readEntry(
  entry: number | string,
  place: number,
  image: ChannelFacts,
): ChannelSource {
  if (entry === 0) return place === 0 ? "mean" : "zeros";
  const index = typeof entry === "number" ? entry - 1 : findName(entry, image);
  if (index >= image.channels) {
    throw new ArgumentError(
      "channels",
      `${entry} is not there: the image has ${image.channels}`,
    );
  }
  return index;
}

function findName(
  name: string,
  { channelNames = [] }: ChannelFacts,
): number {
  const plain = (text: string) => text.trim().toLowerCase();
  const index = channelNames.findIndex((each) => plain(each) === plain(name));
  if (index < 0) {
    const known = channelNames.length > 0
      ? `they are ${channelNames.join(", ")}`
      : "the file names none; give numbers from 1";
    throw new ArgumentError("channels", `"${name}" is not there: ${known}`);
  }
  return index;
}
