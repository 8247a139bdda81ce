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
import * as ort from "onnxruntime-node";
import { ArgumentError, ModelError } from "../../shared/errors.ts";
import {
  countElements,
  encodeModel,
  type Graph,
} from "../../shared/graph/mod.ts";
import { stepFactors } from "./adamw.ts";
import { buildStep } from "./build_step.ts";
import {
  type BatchShape,
  buildEvaluation,
  type StepOptions,
} from "./differentiate_batch.ts";
import { checkKept, stackKept } from "./layer_drop.ts";
import {
  countBlocks,
  type FloatTensor,
  listWeights,
  readTensor,
  type TrainableNetwork,
} from "./network.ts";

/** Images and what the network shall say of them. */
export interface TrainBatch {
  /** N×C×H×W, as the network takes them. */
  readonly images: Float32Array;
  /** N×3×H×W: foreground (above 0.5), dY, dX at unit scale. */
  readonly targets: Float32Array;
  /** N×H×W, how much each pixel counts; default 1. */
  readonly pixelWeights?: Float32Array;
  /** N×blocks, 0 where an image skips a block; default: none does. */
  readonly kept?: Float32Array;
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** All that a run of training steps changes; exact bits. */
export interface TrainState {
  /** Steps taken so far. */
  readonly step: number;
  /** Weights, `NAME:mean` and `NAME:square` of each, recorded statistics. */
  readonly tensors: ReadonlyMap<string, FloatTensor>;
}

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
  /** Copies of weights and statistics, as `withWeights` takes them. */
  weights(): Map<string, FloatTensor>;
  /** Free the runtime's memory. */
  close(): Promise<void>;
}

/** How a network is trained. */
export interface TrainerOptions extends StepOptions {
  /** Go on from here; default the network's own weights. */
  readonly state?: TrainState;
  /** Threads of the processor; default: the runtime's choice. */
  readonly threads?: number;
}

/**
 * Open a trainer.
 *
 * @throws {ArgumentError} if the state is of another network, or nothing of
 *                         the network can be trained
 */
export function openTrainer(
  network: TrainableNetwork,
  options: TrainerOptions = {},
): Promise<Trainer> {
  const { accumulate = 1, optimizer = {}, threads } = options;
  const sessions = new Map<string, Promise<ort.InferenceSession>>();
  const steps = new Map<string, readonly string[]>();
  // a state without tensors is that of a network not trained yet
  const given = options.state?.tensors.size ? options.state : undefined;
  let step = given?.step ?? 0;
  let states: Map<string, FloatTensor> | undefined;
  let spare = new Map<string, FloatTensor>();

  /** A session that is made once. */
  function open(
    key: string,
    build: () => Graph,
  ): Promise<ort.InferenceSession> {
    const known = sessions.get(key) ?? createSession(build(), threads);
    sessions.set(key, known);
    return known;
  }

  /** States by name, once it is known which there are. */
  function prepare(names: readonly string[]): Map<string, FloatTensor> {
    states ??= startStates(network, { names, given });
    if (spare.size === 0) {
      spare = new Map(
        [...states].map(([name, { shape, data }]) =>
          [name, { shape, data: new Float32Array(data.length) }] as const
        ),
      );
    }
    return states;
  }

  function namesFor(shape: BatchShape, hasPixelWeights: boolean) {
    const key = spell(shape, hasPixelWeights);
    const known = steps.get(key);
    if (known) return known;
    const built = buildStep(network, shape, { ...options, hasPixelWeights });
    open(`train ${key}`, () => built.graph);
    steps.set(key, built.states);
    return built.states;
  }

  return Promise.resolve({
    async run(batches, rates) {
      if (batches.length !== rates.length * accumulate || rates.length === 0) {
        throw new ArgumentError(
          "batches",
          `${batches.length} are given for ${rates.length} steps of ${accumulate}`,
        );
      }
      const [first] = batches;
      const blocks = countBlocks(network);
      for (const batch of batches) {
        checkBatch(batch, first);
        checkKept(batch, blocks);
      }
      const hasPixelWeights = first.pixelWeights !== undefined;
      const names = namesFor(first, hasPixelWeights);
      const current = prepare(names);
      const session = await open(
        `train ${spell(first, hasPixelWeights)}`,
        () => {
          throw new Error("built by namesFor");
        },
      );
      const lead = accumulate === 1
        ? [rates.length]
        : [rates.length, accumulate];
      const feeds = {
        ...toTensors(current),
        ...stackBatches(batches, lead),
        ...toTensors(stackKept(batches, { lead, blocks })),
        factors: new ort.Tensor(
          "float32",
          Float32Array.from(
            rates.flatMap((rate, i) =>
              stepFactors(optimizer, { rate, step: step + i + 1 })
            ),
          ),
          [rates.length, 3],
        ),
      };
      const losses = new Float32Array(rates.length);
      const fetches = {
        ...toTensors(spare, "next/"),
        losses: new ort.Tensor("float32", losses, [rates.length]),
      };
      const results = await runSession(session, feeds, fetches);
      // written in place, or else by the runtime where it chose to
      for (const [name, tensor] of spare) {
        const { data } = results[`next/${name}`];
        if (data !== tensor.data) tensor.data.set(data as Float32Array);
      }
      [states, spare] = [spare, current];
      step += rates.length;
      return [...results.losses.data as Float32Array];
    },
    async evaluate(batch) {
      checkBatch(batch, batch);
      const hasPixelWeights = batch.pixelWeights !== undefined;
      const names = states
        ? [...states.keys()]
        : namesFor(batch, hasPixelWeights);
      const current = prepare(names);
      const session = await open(
        `evaluate ${spell(batch, hasPixelWeights)}`,
        () =>
          buildEvaluation(network, batch, {
            ...options,
            hasPixelWeights,
            states: names,
          }),
      );
      const feeds = { ...toTensors(current), ...stackBatches([batch], []) };
      const known = new Set(session.inputNames);
      const { loss } = await runSession(
        session,
        Object.fromEntries(
          Object.entries(feeds).filter(([name]) => known.has(name)),
        ),
      );
      return Number(loss.data[0]);
    },
    state() {
      return { step, tensors: copy(states ?? given?.tensors) };
    },
    weights() {
      const { trained, statistics } = listWeights(network);
      const own = new Set([...trained, ...statistics].map(({ name }) => name));
      const start = [...trained, ...statistics].map((constant) =>
        [constant.name, readTensor(constant)] as const
      );
      const changed = copy(states ?? given?.tensors);
      return new Map([
        ...start,
        ...[...changed].filter(([name]) => own.has(name)),
      ]);
    },
    async close() {
      for (const session of sessions.values()) await (await session).release();
      sessions.clear();
    },
  });
}

async function createSession(
  graph: Graph,
  threads: number | undefined,
): Promise<ort.InferenceSession> {
  const pieces = [
    ...encodeModel(graph, { externalAboveBytes: Infinity }).model,
  ];
  const bytes = new Uint8Array(pieces.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  try {
    return await ort.InferenceSession.create(bytes, {
      executionProviders: ["cpu"],
      graphOptimizationLevel: "all",
      // planned as one block, a step of a small U-Net took 830 MB instead of
      // 515 MB, in the same time
      enableMemPattern: false,
      logSeverityLevel: 3,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    });
  } catch (cause) {
    throw failed(cause);
  }
}

async function runSession(
  session: ort.InferenceSession,
  feeds: Record<string, ort.Tensor>,
  fetches?: Record<string, ort.Tensor>,
): Promise<ort.InferenceSession.OnnxValueMapType> {
  try {
    return await (fetches ? session.run(feeds, fetches) : session.run(feeds));
  } catch (cause) {
    throw failed(cause);
  }
}

function failed(cause: unknown): ModelError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new ModelError("in training", `cannot run on cpu: ${detail}`, {
    provider: "cpu",
    outOfMemory: /alloc|memory/i.test(detail),
    cause,
  });
}

/** The network's weights and zero means, or what is given. */
function startStates(
  network: TrainableNetwork,
  { names, given }: {
    names: readonly string[];
    given: TrainState | undefined;
  },
): Map<string, FloatTensor> {
  const { trained, statistics } = listWeights(network);
  const own = new Map(
    [...trained, ...statistics].map((constant) => [constant.name, constant]),
  );
  return new Map(names.map((name) => {
    const constant = own.get(name) ?? own.get(name.replace(/:[^:]*$/, ""))!;
    const tensor = given?.tensors.get(name);
    const length = countElements(constant.shape);
    if (given && tensor?.data.length !== length) {
      throw new ArgumentError(
        "state",
        `has ${
          tensor?.data.length ?? "no"
        } numbers for ${name}, the network has ${length}; it is of another network`,
      );
    }
    if (tensor) return [name, { ...tensor, data: tensor.data.slice() }];
    if (own.has(name)) return [name, readTensor(constant)];
    return [name, { shape: constant.shape, data: new Float32Array(length) }];
  }));
}

function checkBatch(batch: TrainBatch, first: TrainBatch): void {
  const { images, targets, pixelWeights, count, channels, height, width } =
    batch;
  const pixels = count * height * width;
  const fits = images.length === pixels * channels &&
    targets.length === pixels * 3 &&
    (pixelWeights === undefined || pixelWeights.length === pixels);
  if (!fits) {
    throw new ArgumentError(
      "batches",
      `${count}×${channels}×${height}×${width} with ${images.length} image and ${targets.length} target values`,
    );
  }
  const spelled = [batch, first].map((b) => spell(b, !b.pixelWeights));
  if (spelled[0] !== spelled[1]) {
    throw new ArgumentError(
      "batches",
      `differ in shape (${spelled.join(" and ")}) within one call`,
    );
  }
}

function spell(
  { count, channels, height, width }: BatchShape,
  hasPixelWeights: boolean,
): string {
  return [count, channels, height, width, hasPixelWeights].join("×");
}

/** Batches one after another, with `lead` as the first axes. */
function stackBatches(
  batches: readonly TrainBatch[],
  lead: readonly number[],
): Record<string, ort.Tensor> {
  const [{ count, channels, height, width, pixelWeights }] = batches;
  const stack = (depth: number, read: (batch: TrainBatch) => Float32Array) => {
    const size = count * depth * height * width;
    const data = batches.length === 1
      ? read(batches[0])
      : new Float32Array(size * batches.length);
    if (batches.length > 1) {
      batches.forEach((batch, i) => data.set(read(batch), i * size));
    }
    return new ort.Tensor("float32", data, [
      ...lead,
      count,
      depth,
      height,
      width,
    ]);
  };
  return {
    images: stack(channels, ({ images }) => images),
    targets: stack(3, ({ targets }) => targets),
    ...(pixelWeights
      ? { pixelWeights: stack(1, (batch) => batch.pixelWeights!) }
      : {}),
  };
}

function toTensors(
  tensors: ReadonlyMap<string, FloatTensor>,
  prefix = "",
): Record<string, ort.Tensor> {
  return Object.fromEntries(
    [...tensors].map(([name, { shape, data }]) => [
      `${prefix}${name}`,
      new ort.Tensor("float32", data, shape),
    ]),
  );
}

function copy(
  tensors: ReadonlyMap<string, FloatTensor> = new Map(),
): Map<string, FloatTensor> {
  return new Map(
    [...tensors].map(([name, { shape, data }]) =>
      [name, { shape, data: data.slice() }] as const
    ),
  );
}
