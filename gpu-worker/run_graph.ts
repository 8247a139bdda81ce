/**
 * Run an ONNX file on the CPU: the tiny runner of conformance and tests.
 *
 * @module
 */
import { InferenceSession, Tensor } from "onnxruntime-node";

/** f32 values and their shape. */
export interface Floats {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** A loaded network. */
export interface Runner {
  /** Outputs by name. */
  run(
    inputs: Readonly<Record<string, Floats>>,
  ): Promise<Record<string, Floats>>;
  /** Free it. */
  close(): Promise<void>;
}

/**
 * Load a network.
 *
 * @param model  path, or the bytes of a file without external data
 * @throws {Error} if the runtime refuses it
 */
export async function loadGraph(model: string | Uint8Array): Promise<Runner> {
  const options = { executionProviders: ["cpu"] };
  const session = typeof model === "string"
    ? await InferenceSession.create(model, options)
    : await InferenceSession.create(model, options);
  return {
    async run(inputs) {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, { data, shape }]) =>
          [name, new Tensor("float32", data, shape)] as const
        ),
      );
      const results = await session.run(feeds);
      return Object.fromEntries(
        Object.entries(results).map(([name, { data, dims }]) =>
          [name, { data: data as Float32Array, shape: dims }] as const
        ),
      );
    },
    close: () => session.release(),
  };
}
