/**
 * Read a PyTorch checkpoint: a zip archive of a pickle and raw storages.
 *
 * Source: torch.serialization, the zip format of torch.save since 1.6.
 *
 * @module
 */
import {
  CorruptImageError,
  UnsupportedFormatError,
} from "../../shared/errors.ts";
import { DTYPES } from "../../shared/graph/mod.ts";
import type { ByteSource } from "./byte_source.ts";
import { type Pickled, type PickledTensor, readPickle } from "./read_pickle.ts";
import { readZip, type ZipEntry } from "./read_zip.ts";
import { gather, isRowOrder, type Tensor, type Tensors } from "./tensors.ts";

/** Names and shapes of thousands of tensors are far smaller. */
const MAX_PICKLE_BYTES = 16 * 2 ** 20;

/**
 * List the tensors of a checkpoint; their values stay in the file.
 *
 * A dictionary of tensors within the outermost dictionary, such as
 * `state_dict`, is found if it is the only one.
 *
 * @throws {UnsupportedFormatError} if it holds anything but tensors
 * @throws {CorruptImageError} if it is broken
 */
export function readTorch(source: ByteSource): Tensors {
  const entries = readZip(source);
  const pickles = [...entries.values()].filter(({ name }) =>
    name === "data.pkl" || name.endsWith("/data.pkl")
  );
  if (pickles.length !== 1) {
    throw new UnsupportedFormatError(
      `A zip archive with ${pickles.length} data.pkl`,
      ["checkpoints written by torch.save"],
    );
  }
  const [pickle] = pickles;
  if (pickle.size > MAX_PICKLE_BYTES) {
    throw new CorruptImageError("torch", `its pickle has ${pickle.size} bytes`);
  }
  const root = pickle.name.slice(0, -"data.pkl".length);
  const order = entries.get(`${root}byteorder`)?.read(0, 3);
  if (order && new TextDecoder().decode(order) === "big") {
    throw new UnsupportedFormatError("A big-endian checkpoint", [
      "little-endian",
    ]);
  }
  const tensors = new Map<string, Tensor>();
  for (const [key, value] of findTensors(readPickle(pickle.read()))) {
    const entry = entries.get(`${root}data/${value.storage.key}`);
    if (entry === undefined) {
      throw new CorruptImageError(
        "torch",
        `storage ${value.storage.key} of ${key} is missing`,
      );
    }
    tensors.set(key, openTensor(key, value, entry));
  }
  return tensors;
}

function findTensors(value: Pickled): [string, PickledTensor][] {
  const direct = tensorsOf(value);
  if (direct.length > 0 || !(value instanceof Map)) return direct;
  const nested = [...value.values()].map(tensorsOf)
    .filter((found) => found.length > 0);
  return nested.length === 1 ? nested[0] : [];
}

function tensorsOf(value: Pickled): [string, PickledTensor][] {
  if (!(value instanceof Map)) return [];
  return [...value].filter((pair): pair is [string, PickledTensor] =>
    typeof pair[0] === "string" && typeof pair[1] === "object" &&
    pair[1] !== null && "kind" in pair[1] && pair[1].kind === "tensor"
  );
}

function openTensor(
  name: string,
  { storage, offset, shape, strides }: PickledTensor,
  entry: ZipEntry,
): Tensor {
  const { dtype } = storage;
  const { bytes } = DTYPES[dtype];
  if (entry.size < storage.length * bytes) {
    throw new CorruptImageError(
      "torch",
      `storage ${storage.key} of ${name} has ${entry.size} bytes, ${storage.length} ${dtype} need ${
        storage.length * bytes
      }`,
    );
  }
  const span = shape.includes(0)
    ? 0
    : shape.reduce((sum, edge, i) => sum + (edge - 1) * strides[i], 1);
  return {
    dtype,
    shape,
    read() {
      const part = entry.read(offset * bytes, span * bytes);
      return isRowOrder(shape, strides)
        ? part
        : gather(part, { dtype, shape, strides });
    },
  };
}
