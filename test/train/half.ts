/**
 * Half precision as a device computes it, on a processor without kernels.
 *
 * The CPU provider computes nodes of f16 in f32 and rounds nothing between
 * them; it refuses most of bf16. Here every such node computes in f32 and is
 * rounded to 16 bits after it, as products that add up in f32 are.
 */
import { buildStep } from "../../gpu-worker/train/build_step.ts";
import { stepFactors } from "../../gpu-worker/train/adamw.ts";
import type { StepOptions } from "../../gpu-worker/train/differentiate_batch.ts";
import { LOSS_SCALE } from "../../gpu-worker/train/loss_scale.ts";
import type {
  FloatTensor,
  TrainableNetwork,
} from "../../gpu-worker/train/network.ts";
import { stackBatches } from "../../gpu-worker/train/train_batch.ts";
import { openSession } from "../../gpu-worker/train/train_session.ts";
import {
  startStates,
  type TrainState,
} from "../../gpu-worker/train/train_state.ts";
import type { TrainBatch } from "../../gpu-worker/train/trainer.ts";
import {
  type Dtype,
  DTYPES,
  fromFloat32,
  type Graph,
  type Initializer,
  isHalf,
  listDtypes,
  type Node,
  toFloat32,
} from "../../shared/graph/mod.ts";

/** The same graph in f32 with its values of 16 bits rounded to them. */
export function roundHalf(
  graph: Graph,
  outer?: ReadonlyMap<string, Dtype>,
): Graph {
  const types = listDtypes(graph, outer);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const attributes = Object.fromEntries(
      Object.entries(node.attributes).map(([name, attribute]) => [
        name,
        "graph" in attribute
          ? { graph: roundHalf(attribute.graph, types) }
          : attribute,
      ]),
    );
    const rounded = node.outputs.flatMap((name) => {
      const dtype = types.get(name)!;
      return isHalf({ dtype }) ? [{ name, dtype }] : [];
    });
    if (node.op === "Cast" && rounded.length > 0) {
      return round(node.inputs[0], node.outputs[0], rounded[0].dtype);
    }
    const raw = (name: string) =>
      rounded.some((one) => one.name === name) ? `${name}~raw` : name;
    return [
      { ...node, attributes, outputs: node.outputs.map(raw) },
      ...rounded.flatMap(({ name, dtype }) => round(raw(name), name, dtype)),
    ];
  });
  return { ...graph, nodes, initializers: graph.initializers.map(widen) };
}

/** The same numbers in f32. */
function widen(initializer: Initializer): Initializer {
  const { dtype, read } = initializer;
  if (!isHalf({ dtype })) return initializer;
  return {
    ...initializer,
    dtype: "f32",
    read: () => fromFloat32(toFloat32(read(), dtype), "f32"),
  };
}

function round(from: string, to: string, dtype: Dtype): Node[] {
  const cast = (input: string, output: string, code: number): Node => ({
    op: "Cast",
    domain: "",
    inputs: [input],
    outputs: [output],
    attributes: { to: { int: code } },
  });
  return [
    cast(from, `${to}~half`, DTYPES[dtype].code),
    cast(`${to}~half`, to, DTYPES.f32.code),
  ];
}

/**
 * Take steps with such rounding; one batch a rate.
 *
 * @param scale  the loss scale before the first
 */
export async function takeSteps(
  network: TrainableNetwork,
  { batches, rates, given, scale, ...options }: StepOptions & {
    batches: readonly TrainBatch[];
    rates: readonly number[];
    given?: TrainState;
    scale?: number;
  },
): Promise<{ losses: number[]; state: TrainState }> {
  const { graph, states: names } = buildStep(network, batches[0], options);
  const session = await openSession(roundHalf(graph), { threads: 1 });
  const before = startStates(network, { names, given });
  const scaling = before.get(LOSS_SCALE)?.data;
  if (scaling && scale !== undefined) scaling[0] = scale;
  const step = given?.step ?? 0;
  const factors = rates.flatMap((rate, i) =>
    stepFactors(options.optimizer ?? {}, { rate, step: step + i + 1 })
  );
  try {
    const results = await session.run(
      new Map<string, FloatTensor>([
        ...before,
        ...stackBatches(batches, [rates.length]),
        ["factors", {
          shape: [rates.length, 3],
          data: Float32Array.from(factors),
        }],
      ]),
    );
    return {
      losses: [...results.get("losses")!],
      state: {
        step: step + rates.length,
        tensors: new Map(
          [...before].map(([name, { shape }]) =>
            [name, { shape, data: results.get(`next/${name}`)! }] as const
          ),
        ),
      },
    };
  } finally {
    await session.close();
  }
}

/** Gradients of a batch: what one step leaves in the optimizer's means. */
export async function gradientsOf(
  network: TrainableNetwork,
  batch: TrainBatch,
  options: StepOptions & { scale?: number } = {},
): Promise<{ loss: number; gradients: Map<string, Float32Array> }> {
  const { losses, state } = await takeSteps(network, {
    ...options,
    optimizer: { beta1: 0 },
    batches: [batch],
    rates: [0],
  });
  const means = [...state.tensors].filter(([name]) => name.endsWith(":mean"));
  return {
    loss: losses[0],
    gradients: new Map(
      means.map(([name, { data }]) => [name.replace(/:mean$/, ""), data]),
    ),
  };
}

/** Distance of two tensors over the length of the second. */
export function relativeError(
  found: Float32Array,
  wanted: Float32Array,
): number {
  return Math.hypot(...found.map((v, i) => v - wanted[i])) /
    Math.hypot(...wanted);
}
