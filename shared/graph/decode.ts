/**
 * Read an ONNX file back into a graph: the other way of encode.ts.
 *
 * Constants may lie in the file's raw bytes, in its typed fields, or in a
 * data file beside it. What training and inference of this project do not
 * use (sparse tensors, functions, several graphs) is refused by name.
 *
 * @module
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { ModelError, UnsupportedFormatError } from "../errors.ts";
import {
  type Attribute,
  countBytes,
  type Dim,
  type Dtype,
  DTYPES,
  type Graph,
  type Initializer,
  type Node,
  type Value,
} from "./types.ts";

/** Before it, sums take their axes as attributes. */
const OLDEST_OPSET = 18;

/** Where constants outside of the model file are read from. */
export type ReadExternal = (
  place: { location: string; offset: number; length: number },
) => Uint8Array;

/**
 * Decode a model.
 *
 * Constants are views of `model`: keep it as long as the graph.
 *
 * @param model         bytes of the model file
 * @param readExternal  bytes of a data file; default: refuses
 * @throws {ModelError} if the file is broken
 * @throws {UnsupportedFormatError} for a feature that is not read
 */
export function decodeModel(
  model: Uint8Array,
  readExternal: ReadExternal = refuseExternal,
): Graph {
  let graph: Graph | undefined;
  try {
    eachField(new BinaryReader(model), model.length, (field, reader) => {
      if (field === 7) graph = decodeGraph(reader, readExternal);
      else if (field === 8) checkOpset(reader);
      else return false;
      return true;
    });
  } catch (cause) {
    if (cause instanceof UnsupportedFormatError) throw cause;
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new ModelError("model.onnx", `is broken: ${detail}`, { cause });
  }
  if (graph) return graph;
  throw new ModelError("model.onnx", "holds no graph; is it an ONNX file?");
}

function checkOpset(reader: BinaryReader): void {
  let domain = "";
  let version = OLDEST_OPSET;
  message(reader, (field) => {
    if (field === 1) domain = reader.string();
    else if (field === 2) version = Number(reader.int64());
    else return false;
    return true;
  });
  if (domain === "" && version < OLDEST_OPSET) {
    throw unsupported(`operator set ${version}`);
  }
}

function decodeGraph(reader: BinaryReader, readExternal: ReadExternal): Graph {
  let name = "";
  const nodes: Node[] = [];
  const inputs: Value[] = [];
  const outputs: Value[] = [];
  const initializers: Initializer[] = [];
  message(reader, (field) => {
    if (field === 1) nodes.push(decodeNode(reader, readExternal));
    else if (field === 2) name = reader.string();
    else if (field === 5) {
      initializers.push(decodeTensor(reader, readExternal));
    } else if (field === 11) inputs.push(decodeValue(reader));
    else if (field === 12) outputs.push(decodeValue(reader));
    else if (field === 15) throw unsupported("a sparse constant");
    else return false;
    return true;
  });
  // older files list their constants as inputs, too
  const constants = new Set(initializers.map((constant) => constant.name));
  return {
    name,
    inputs: inputs.filter((input) => !constants.has(input.name)),
    outputs,
    nodes,
    initializers,
  };
}

function decodeNode(reader: BinaryReader, readExternal: ReadExternal): Node {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Record<string, Attribute> = {};
  let op = "";
  let domain = "";
  message(reader, (field) => {
    if (field === 1) inputs.push(reader.string());
    else if (field === 2) outputs.push(reader.string());
    else if (field === 4) op = reader.string();
    else if (field === 5) {
      const [name, attribute] = decodeAttribute(reader, readExternal);
      attributes[name] = attribute;
    } else if (field === 7) domain = reader.string();
    else return false;
    return true;
  });
  return {
    op,
    domain: domain === "ai.onnx" ? "" : domain,
    inputs,
    outputs,
    attributes,
  };
}

function decodeAttribute(
  reader: BinaryReader,
  readExternal: ReadExternal,
): [string, Attribute] {
  let name = "";
  let type = 0;
  let float = 0;
  let int = 0;
  let text = "";
  let graph: Graph | undefined;
  const ints: number[] = [];
  message(reader, (field, wire) => {
    if (field === 1) name = reader.string();
    else if (field === 2) float = reader.float();
    else if (field === 3) int = Number(reader.int64());
    else if (field === 4) text = new TextDecoder().decode(reader.bytes());
    else if (field === 6) graph = decodeGraph(reader, readExternal);
    else if (field === 8) integers(reader, wire, ints);
    else if (field === 20) type = reader.int32();
    else return false;
    return true;
  });
  if (type === 1) return [name, { float }];
  if (type === 2) return [name, { int }];
  if (type === 3) return [name, { text }];
  if (type === 5 && graph) return [name, { graph }];
  if (type === 7) return [name, { ints }];
  throw unsupported(`attribute ${name} of type ${type}`);
}

function decodeValue(reader: BinaryReader): Value {
  let name = "";
  let dtype: Dtype = "f32";
  const shape: Dim[] = [];
  message(reader, (field) => {
    if (field === 1) name = reader.string();
    else if (field === 2) {
      inner(reader, 1, () => {
        message(reader, (part) => {
          if (part === 1) dtype = dtypeOf(reader.int32());
          else if (part === 2) inner(reader, 1, () => shape.push(dim(reader)));
          else return false;
          return true;
        });
      });
    } else return false;
    return true;
  });
  return { name, dtype, shape };
}

function dim(reader: BinaryReader): Dim {
  let edge: Dim = "?";
  message(reader, (field) => {
    if (field === 1) edge = Number(reader.int64());
    else if (field === 2) edge = reader.string();
    else return false;
    return true;
  });
  return edge;
}

function decodeTensor(
  reader: BinaryReader,
  readExternal: ReadExternal,
): Initializer {
  let name = "";
  let dtype: Dtype = "f32";
  let raw: Uint8Array | undefined;
  const shape: number[] = [];
  const numbers: number[] = [];
  const external = new Map<string, string>();
  message(reader, (field, wire) => {
    if (field === 1) integers(reader, wire, shape);
    else if (field === 2) dtype = dtypeOf(reader.int32());
    else if (field === 4) packed(reader, wire, numbers, () => reader.float());
    else if (field === 5 || field === 7) integers(reader, wire, numbers);
    else if (field === 10) {
      packed(reader, wire, numbers, () => reader.double());
    } else if (field === 8) name = reader.string();
    else if (field === 9) raw = reader.bytes();
    else if (field === 13) {
      const [key, value] = decodeEntry(reader);
      external.set(key, value);
    } else return false;
    return true;
  });
  const known = { name, dtype, shape };
  if (external.size > 0) {
    const place = {
      location: external.get("location") ?? "",
      offset: Number(external.get("offset") ?? 0),
      length: Number(external.get("length") ?? countBytes(known)),
    };
    return { ...known, read: () => readExternal(place) };
  }
  const bytes = raw ?? toBytes(dtype, numbers);
  if (bytes.length !== countBytes(known)) {
    throw new RangeError(`${name} has ${bytes.length} bytes for its shape`);
  }
  return { ...known, read: () => bytes };
}

function decodeEntry(reader: BinaryReader): [string, string] {
  let key = "";
  let value = "";
  message(reader, (field) => {
    if (field === 1) key = reader.string();
    else if (field === 2) value = reader.string();
    else return false;
    return true;
  });
  return [key, value];
}

/** Numbers of the typed fields as raw bytes. */
function toBytes(dtype: Dtype, numbers: readonly number[]): Uint8Array {
  switch (dtype) {
    case "f32":
      return new Uint8Array(Float32Array.from(numbers).buffer);
    case "f64":
      return new Uint8Array(Float64Array.from(numbers).buffer);
    case "i64":
      return new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer);
    case "i32":
      return new Uint8Array(Int32Array.from(numbers).buffer);
    case "bool":
    case "u8":
      return Uint8Array.from(numbers);
    case "f16":
    case "bf16":
      return new Uint8Array(Uint16Array.from(numbers).buffer);
    default:
      throw unsupported(`a constant of ${dtype} in typed fields`);
  }
}

type Take = (field: number, wire: WireType) => boolean;

/** A message within another: its length, then its fields. */
function message(reader: BinaryReader, take: Take): void {
  const length = reader.uint32();
  eachField(reader, reader.pos + length, (field, _, wire) => take(field, wire));
}

/** Read one field of a message within another, skip the rest. */
function inner(reader: BinaryReader, wanted: number, read: () => void): void {
  message(reader, (field) => {
    if (field !== wanted) return false;
    read();
    return true;
  });
}

function eachField(
  reader: BinaryReader,
  end: number,
  take: (field: number, reader: BinaryReader, wire: WireType) => boolean,
): void {
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (!take(field, reader, wire)) reader.skip(wire, field);
  }
}

function integers(reader: BinaryReader, wire: WireType, into: number[]): void {
  packed(reader, wire, into, () => Number(reader.int64()));
}

/** A repeated number: one, or a packed list of them. */
function packed(
  reader: BinaryReader,
  wire: WireType,
  into: number[],
  read: () => number,
): void {
  if (wire !== WireType.LengthDelimited) {
    into.push(read());
    return;
  }
  const end = reader.uint32() + reader.pos;
  while (reader.pos < end) into.push(read());
}

function dtypeOf(code: number): Dtype {
  for (const [name, type] of Object.entries(DTYPES)) {
    if (type.code === code) return name as Dtype;
  }
  throw unsupported(`element type ${code}`);
}

function refuseExternal({ location }: { location: string }): never {
  throw new ModelError(location, "is needed beside the model file");
}

function unsupported(found: string): UnsupportedFormatError {
  return new UnsupportedFormatError(`${found} in an ONNX file`, [
    "graphs of plain tensors",
    `operator sets from ${OLDEST_OPSET} on`,
  ]);
}
