/**
 * What training changes: weights, the optimizer's means, recorded statistics.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";
import { countElements } from "../../shared/graph/mod.ts";
import { FIRST_SCALE, LOSS_SCALE } from "./loss_scale.ts";
import {
  type FloatTensor,
  listWeights,
  readTensor,
  type TrainableNetwork,
} from "./network.ts";

/** All that a run of training steps changes; exact bits. */
export interface TrainState {
  /** Steps taken so far. */
  readonly step: number;
  /**
   * Weights, `NAME:mean` and `NAME:square` of each, recorded statistics; in
   * f16 the loss scale.
   */
  readonly tensors: ReadonlyMap<string, FloatTensor>;
}

/** Whether a tensor of a state is the optimizer's, of no use to the network. */
export function isMoment(name: string): boolean {
  return name === LOSS_SCALE || /:(mean|square)$/.test(name);
}

/** A network's weights and recorded statistics as they are in its graph. */
export function readStart(network: TrainableNetwork): Map<string, FloatTensor> {
  const { trained, statistics } = listWeights(network);
  return new Map(
    [...trained, ...statistics].map((constant) =>
      [constant.name, readTensor(constant)] as const
    ),
  );
}

/**
 * The states of a training graph before its next step.
 *
 * @param names  of the states
 * @param given  to go on from; default the network's weights, zero means, and
 *               the first loss scale
 * @throws {ArgumentError} if the given state is of another network
 */
export function startStates(
  network: TrainableNetwork,
  { names, given }: {
    names: readonly string[];
    given: TrainState | undefined;
  },
): Map<string, FloatTensor> {
  const start = readStart(network);
  start.set(LOSS_SCALE, {
    shape: [FIRST_SCALE.length],
    data: Float32Array.from(FIRST_SCALE),
  });
  return new Map(names.map((name) => {
    const own = start.get(name);
    const { shape } = own ?? start.get(name.replace(/:[^:]*$/, ""))!;
    const length = countElements(shape);
    if (given === undefined) {
      return [name, own ?? { shape, data: new Float32Array(length) }];
    }
    const tensor = given.tensors.get(name);
    if (tensor?.data.length !== length) {
      throw new ArgumentError(
        "state",
        `has ${
          tensor?.data.length ?? "no"
        } numbers for ${name}, the network has ${length}; it is of another network`,
      );
    }
    return [name, { shape, data: tensor.data.slice() }];
  }));
}

/** The same tensors in memory of their own. */
export function copyTensors(
  tensors: ReadonlyMap<string, FloatTensor>,
): Map<string, FloatTensor> {
  return mapTensors(tensors, (data) => data.slice());
}

/** Tensors of the same names and shapes, whose values do not matter. */
export function makeSpare(
  tensors: ReadonlyMap<string, FloatTensor>,
): Map<string, FloatTensor> {
  return mapTensors(tensors, ({ length }) => new Float32Array(length));
}

function mapTensors(
  tensors: ReadonlyMap<string, FloatTensor>,
  change: (data: Float32Array) => Float32Array,
): Map<string, FloatTensor> {
  return new Map(
    [...tensors].map(([name, { shape, data }]) =>
      [name, { shape, data: change(data) }] as const
    ),
  );
}
