/**
 * Run training steps: batches in, losses out; the states stay.
 *
 * The steps of a call run in one loop within the graph. States lie in two
 * sets of buffers, of which a call reads one and writes the other.
 *
 * The same state, batches and count of threads give the same bits: the CPU
 * provider splits a sum by the shapes and the count of threads only.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";
import type { Graph } from "../../shared/graph/mod.ts";
import { stepFactors } from "./adamw.ts";
import { buildStep } from "./build_step.ts";
import { buildEvaluation, type StepOptions } from "./differentiate_batch.ts";
import { checkKept, stackKept } from "./layer_drop.ts";
import { LOSS_SCALE, type LossScale, readScale } from "./loss_scale.ts";
import {
  countBlocks,
  type FloatTensor,
  type TrainableNetwork,
} from "./network.ts";
import {
  checkBatch,
  spellBatch,
  stackBatches,
  type TrainBatch,
} from "./train_batch.ts";
import {
  openSession,
  type SessionOptions,
  type TrainSession,
} from "./train_session.ts";
import {
  copyTensors,
  makeSpare,
  readStart,
  startStates,
  type TrainState,
} from "./train_state.ts";

export type { TrainBatch } from "./train_batch.ts";
export type { TrainState } from "./train_state.ts";

/** Trains one network. */
export interface Trainer {
  /**
   * Take steps, one a learning rate.
   *
   * @param batches  as many as rates, times those accumulated in a step; all
   *                 of one shape
   * @param rates    learning rates
   * @returns        loss before each step
   * @throws {ArgumentError} if counts or shapes disagree
   * @throws {ModelError} if the runtime fails
   */
  run(
    batches: readonly TrainBatch[],
    rates: readonly number[],
  ): Promise<number[]>;
  /** Loss of a batch by the recorded statistics; changes nothing. */
  evaluate(batch: TrainBatch): Promise<number>;
  /** A copy of the state; without tensors before the first call. */
  state(): TrainState;
  /** The loss scale; undefined but in f16. */
  lossScale(): LossScale | undefined;
  /** Copies of weights and statistics, as `withWeights` takes them. */
  weights(): Map<string, FloatTensor>;
  /** Free the runtime's memory. */
  close(): Promise<void>;
}

/** How a network is trained. */
export interface TrainerOptions extends StepOptions, SessionOptions {
  /** Go on from here; default the network's own weights. */
  readonly state?: TrainState;
}

/** A training graph that is loaded. */
interface LoadedStep {
  /** Names of its states. */
  readonly names: readonly string[];
  readonly session: TrainSession;
}

/**
 * Open a trainer.
 *
 * @throws {ArgumentError} if nothing of the network can be trained
 */
export function openTrainer(
  network: TrainableNetwork,
  options: TrainerOptions = {},
): Promise<Trainer> {
  const { accumulate = 1, optimizer = {} } = options;
  // a state without tensors is that of a network not trained yet
  const given = options.state?.tensors.size ? options.state : undefined;
  const blocks = countBlocks(network);
  const start = readStart(network);
  const loaded = new Map<string, Promise<LoadedStep>>();
  const evaluations = new Map<string, Promise<TrainSession>>();
  let step = given?.step ?? 0;
  let states: Map<string, FloatTensor> | undefined;
  let spare: Map<string, FloatTensor> | undefined;

  const load = (graph: Graph) => openSession(graph, options);

  /** The training graph for a batch, and the states as they are. */
  async function prepare(batch: TrainBatch) {
    const { names, session } = await once(
      loaded,
      spellBatch(batch),
      async () => {
        const { graph, states: names } = buildStep(network, batch, {
          ...options,
          hasPixelWeights: batch.pixelWeights !== undefined,
        });
        return { names, session: await load(graph) };
      },
    );
    states ??= startStates(network, { names, given });
    return { session, current: states };
  }

  async function run(
    batches: readonly TrainBatch[],
    rates: readonly number[],
  ): Promise<number[]> {
    if (batches.length !== rates.length * accumulate || rates.length === 0) {
      throw new ArgumentError(
        "batches",
        `${batches.length} are given for ${rates.length} steps of ${accumulate}`,
      );
    }
    for (const batch of batches) {
      checkBatch(batch, batches[0]);
      checkKept(batch, blocks);
    }
    const { session, current } = await prepare(batches[0]);
    const lead = accumulate === 1 ? [rates.length] : [rates.length, accumulate];
    const factors = rates.flatMap((rate, i) =>
      stepFactors(optimizer, { rate, step: step + i + 1 })
    );
    const next = spare ?? makeSpare(current);
    const losses = new Float32Array(rates.length);
    await session.run(
      new Map([
        ...current,
        ...stackBatches(batches, lead),
        ...stackKept(batches, { lead, blocks }),
        ["factors", {
          shape: [rates.length, 3],
          data: Float32Array.from(factors),
        }],
      ]),
      new Map([
        ...[...next].map(([name, tensor]) => [`next/${name}`, tensor] as const),
        ["losses", { shape: [rates.length], data: losses }],
      ]),
    );
    [states, spare] = [next, current];
    step += rates.length;
    return [...losses];
  }

  async function evaluate(batch: TrainBatch): Promise<number> {
    checkBatch(batch, batch);
    const current = states ?? (await prepare(batch)).current;
    const session = await once(evaluations, spellBatch(batch), () =>
      load(
        buildEvaluation(network, batch, {
          ...options,
          hasPixelWeights: batch.pixelWeights !== undefined,
          states: [...current.keys()],
        }),
      ));
    const results = await session.run(
      new Map([...current, ...stackBatches([batch], [])]),
    );
    return results.get("loss")![0];
  }

  return Promise.resolve({
    run,
    evaluate,
    state: () => ({
      step,
      tensors: copyTensors(states ?? given?.tensors ?? new Map()),
    }),
    lossScale() {
      const state = (states ?? given?.tensors)?.get(LOSS_SCALE);
      return state && readScale(state.data);
    },
    weights() {
      const changed = states ?? given?.tensors;
      return copyTensors(
        new Map(
          [...start].map(([name, tensor]) =>
            [name, changed?.get(name) ?? tensor] as const
          ),
        ),
      );
    },
    async close() {
      for (const one of loaded.values()) await (await one).session.close();
      for (const one of evaluations.values()) await (await one).close();
      loaded.clear();
      evaluations.clear();
    },
  });
}

/** A value that is made once. */
function once<Made>(
  known: Map<string, Promise<Made>>,
  key: string,
  make: () => Promise<Made>,
): Promise<Made> {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}
