/**
 * What onnxruntime-node and onnxruntime-web have in common: one batch, from
 * tiles to outputs.
 *
 * @module
 */
import { ModelError } from "../errors.ts";
import type { EncodedBatch, Provider, TileBatch } from "../pipeline/encoder.ts";
import type { ModelInfo, ModelJson } from "../schema/model.ts";

/** A tensor of either runtime. */
interface OutputTensor {
  readonly dims: readonly number[];
  readonly type: string;
  /** Copies from the device where it lies there. */
  getData(): Promise<unknown>;
  dispose(): void;
}

/** A session of either runtime. */
export interface OnnxSession<Tensor> {
  run(
    feeds: Record<string, Tensor>,
  ): Promise<Readonly<Record<string, unknown>>>;
}

/** How a runtime says that there is no memory. */
const OUT_OF_MEMORY =
  /out of memory|failed to allocate|bad_?alloc|bad allocation|allocation failed|not enough memory|ALLOC_FAILED|OutOfMemory/i;

/** How ONNX Runtime says that a provider lacks an operator in its types. */
const NO_KERNEL = /Could not find an implementation for (\w+)/i;
/** How it says that ONNX has no such operator: `import` wrote such, once. */
const NO_SUCH_TYPE = /Type 'tensor\(b?float16\)' of input.*operator \((\w+)\)/;

/** What is needed to run a model. */
export interface OnnxRun<Tensor> {
  readonly session: OnnxSession<Tensor>;
  readonly network: ModelJson["networks"][number];
  readonly model: ModelInfo;
  readonly provider: Provider;
  /** Make an f32 tensor. */
  readonly createTensor: (data: Float32Array, dims: number[]) => Tensor;
}

/**
 * Run a network on a batch of tiles.
 *
 * @throws {ModelError} with `isOutOfMemory` where a smaller batch may fit
 */
export async function runBatch<Tensor>(
  { session, network, model, provider, createTensor }: OnnxRun<Tensor>,
  { data, count, channels, height, width }: TileBatch,
): Promise<EncodedBatch> {
  const input = network.inputs[0].name;
  const tensor = createTensor(data, [count, channels, height, width]);
  let results: Readonly<Record<string, unknown>>;
  try {
    results = await session.run({ [input]: tensor });
  } catch (cause) {
    throw explainFailure(model.name, provider, cause);
  }
  const read = async (name: string | undefined) => {
    if (name === undefined) return undefined;
    const output = results[name] as OutputTensor | undefined;
    if (output === undefined) return undefined;
    const values = await output.getData() as Float32Array;
    // the runtime may reuse its memory
    const copy = values.slice();
    output.dispose();
    return copy;
  };
  const outputs = await read(network.outputs[0].name);
  const expected = count * model.outputs * height * width;
  if (!(outputs instanceof Float32Array) || outputs.length !== expected) {
    throw new ModelError(
      model.name,
      `gives ${outputs?.length} values, ${expected} are expected; import it again`,
      { provider },
    );
  }
  const styles = await read(
    network.outputs.find(({ name }) => name === "style")?.name,
  );
  return { outputs, ...(styles instanceof Float32Array ? { styles } : {}) };
}

/**
 * Run a size model on a style, whose length does not matter.
 *
 * @returns  diameter, pixels
 * @throws {ModelError} if it does not run
 */
export async function runSize<Tensor>(
  { session, model, provider, createTensor }: Omit<OnnxRun<Tensor>, "network">,
  style: Float32Array,
): Promise<number> {
  const tensor = createTensor(style, [1, style.length]);
  try {
    const results = await session.run({ style: tensor });
    const output = results.diameter as OutputTensor;
    const [value] = await output.getData() as Float32Array;
    output.dispose();
    return value;
  } catch (cause) {
    throw explainFailure(model.name, provider, cause);
  }
}

/**
 * Why a model cannot be loaded, as the project's error: a provider without
 * kernels for a precision is told in words.
 */
export function explainLoading(
  { name, precision }: Pick<ModelInfo, "name" | "precision">,
  provider: Provider,
  cause: unknown,
): ModelError {
  const failure = explainFailure(name, provider, cause);
  const wider = `or import the checkpoint again with --precision fp32`;
  const [, lacking] = NO_KERNEL.exec(failure.message) ?? [];
  const [, wrong] = NO_SUCH_TYPE.exec(failure.message) ?? [];
  const reason = precision === "fp32"
    ? undefined
    : lacking
    ? `${provider} has no ${lacking} in ${precision}; use a provider that has (bf16: cuda), ${wider}`
    : wrong
    ? `ONNX has no ${wrong} in ${precision}, which older versions wrote; import the checkpoint again`
    : undefined;
  return reason === undefined
    ? failure
    : new ModelError(name, reason, { provider, cause });
}

/** A runtime's failure as the project's error. */
export function explainFailure(
  model: string,
  provider: Provider,
  cause: unknown,
): ModelError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  const outOfMemory = OUT_OF_MEMORY.test(detail);
  return new ModelError(model, `cannot run on ${provider}: ${detail}`, {
    provider,
    outOfMemory,
    cause,
  });
}
