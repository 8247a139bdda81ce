/**
 * Whether a network can be trained in a precision: asked of the provider.
 *
 *   the network's own step, for one small crop → the runtime, which writes it
 *   as it runs it → products that stayed in 16 bits, products that did not
 *
 * Where a provider has no kernel for a node in fp16 the runtime puts casts
 * around it and computes in fp32 without a word: that works, and gains
 * nothing. So a step that runs is no proof; the graph as it is run is.
 *
 * @module
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ModelError } from "../../shared/errors.ts";
import {
  decodeModel,
  type Dtype,
  type Graph,
  isHalf,
  listDtypes,
} from "../../shared/graph/mod.ts";
import { buildStep } from "./build_step.ts";
import { COMPUTE, PRODUCTS, type TrainPrecision } from "./compute.ts";
import type { BatchShape } from "./differentiate_batch.ts";
import type { TrainableNetwork } from "./network.ts";
import { openSession } from "./train_session.ts";
import { openTrainer, type TrainerOptions } from "./trainer.ts";

/** What a probe found. */
export interface Probed {
  readonly isAvailable: boolean;
  /** A sentence. */
  readonly reason: string;
}

/** What is probed. */
export interface ProbeOptions extends TrainerOptions {
  /** Of the probe's only crop; small. */
  readonly shape: BatchShape;
}

/**
 * Ask a provider for a network's step in half precision: whether all products,
 * forward and backward, run in it, and give a finite loss.
 */
export async function probePrecision(
  network: TrainableNetwork,
  precision: Exclude<TrainPrecision, "fp32">,
  { shape, ...options }: ProbeOptions,
): Promise<Probed> {
  const { provider = "cpu" } = options;
  const no = (reason: string): Probed => ({ isAvailable: false, reason });
  const compute = COMPUTE[precision];
  const products = network.graph.nodes.filter(({ op }) => PRODUCTS.f16.has(op));
  const halved = products.filter(({ op }) => PRODUCTS[compute].has(op));
  if (halved.length * 2 <= products.length) {
    return no(
      `operator set 20 has ${halved.length} of the network's ${products.length} products in it, convolutions in fp32 and fp16 only`,
    );
  }
  const { graph } = buildStep(network, shape, { ...options, compute });
  const asked = countProducts(graph, PRODUCTS[compute]);
  const folder = mkdtempSync(join(tmpdir(), "cytoedge-probe-"));
  try {
    const writtenTo = join(folder, "step.onnx");
    const session = await openSession(graph, { ...options, writtenTo });
    await session.close();
    const run = decodeModel(new Uint8Array(readFileSync(writtenTo)));
    const found = countProducts(run, PRODUCTS[compute]);
    const missing = [...asked]
      .filter(([op, count]) => (found.get(op) ?? 0) < count)
      .map(([op, count]) => `${op} ${count - (found.get(op) ?? 0)}/${count}`);
    if (missing.length > 0) {
      return no(
        `${provider} has no ${precision} kernels for products of this network and would run them in fp32 between casts (${
          missing.join(", ")
        })`,
      );
    }
    const loss = await takeStep(network, { shape, ...options, compute });
    if (!Number.isFinite(loss)) {
      return no(`${provider} gives a loss of ${loss}`);
    }
  } catch (err) {
    if (!(err instanceof ModelError)) throw err;
    return no(err.message);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const count = [...asked.values()].reduce((a, b) => a + b, 0);
  return {
    isAvailable: true,
    reason: `${provider} runs all ${count} products of a step in it`,
  };
}

/** Products in half precision by operator, loops included. */
export function countProducts(
  graph: Graph,
  products: ReadonlySet<string>,
  outer?: ReadonlyMap<string, Dtype>,
): Map<string, number> {
  const types = listDtypes(graph, outer);
  const counts = new Map<string, number>();
  const add = (op: string, count: number) =>
    counts.set(op, (counts.get(op) ?? 0) + count);
  for (const { op, inputs, attributes } of graph.nodes) {
    for (const attribute of Object.values(attributes)) {
      if (!("graph" in attribute)) continue;
      const inner = countProducts(attribute.graph, products, types);
      for (const [name, count] of inner) add(name, count);
    }
    const dtype = types.get(inputs[0]);
    if (products.has(op) && dtype && isHalf({ dtype })) add(op, 1);
  }
  return counts;
}

/** Loss of one step of rate 0 on a crop of a plain pattern. */
async function takeStep(
  network: TrainableNetwork,
  { shape, ...options }: ProbeOptions,
): Promise<number> {
  const { count, channels, height, width } = shape;
  const pixels = count * height * width;
  const images = Float32Array.from(
    { length: pixels * channels },
    (_, i) => i % 7 / 7,
  );
  const targets = new Float32Array(pixels * 3);
  const trainer = await openTrainer(network, options);
  try {
    return (await trainer.run([{ ...shape, images, targets }], [0]))[0];
  } finally {
    await trainer.close();
  }
}
