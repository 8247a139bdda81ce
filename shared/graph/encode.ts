/**
 * Write a graph as ONNX, piece by piece: no more than one constant is in
 * memory at a time.
 *
 * The wire format is protobuf's; field numbers are those of onnx.proto3
 * (ONNX 1.16, IR version 9).
 *
 * @module
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  type Attribute,
  countBytes,
  DTYPES,
  type Graph,
  type Initializer,
  type Node,
  type Value,
} from "./types.ts";

const IR_VERSION = 9;
/** Operator sets: ONNX's own (20 has Gelu) and the runtime's. */
const OPSETS: Readonly<Record<string, number>> = {
  "": 20,
  "com.microsoft": 1,
};
/** A protobuf message holds at most 2 GiB; issue's limit, well below. */
const EXTERNAL_ABOVE_BYTES = 1.5e9;
/** Constants of more bytes move to the data file, once there is one. */
const SMALL_BYTES = 1024;
/** Alignment of constants in the data file, so that it can be mapped. */
const ALIGNMENT = 4096;

/** A graph as files. */
export interface EncodedModel {
  /** Bytes of the model file. */
  readonly model: Iterable<Uint8Array>;
  /** Bytes of the data file beside it; null where all fits the model file. */
  readonly data: Iterable<Uint8Array> | null;
}

/**
 * Encode a graph.
 *
 * @param dataFile            name of the data file, as the model file refers
 *                            to it
 * @param externalAboveBytes  constants of more bytes in all go to a data file
 */
export function encodeModel(
  graph: Graph,
  { dataFile = "model.onnx.data", externalAboveBytes = EXTERNAL_ABOVE_BYTES }: {
    dataFile?: string;
    externalAboveBytes?: number;
  } = {},
): EncodedModel {
  const bytes = graph.initializers.reduce((sum, i) => sum + countBytes(i), 0);
  const isExternal = bytes > externalAboveBytes;
  const offsets = isExternal ? placeConstants(graph.initializers) : new Map();
  return {
    model: encodePieces(graph, { dataFile, offsets }),
    data: isExternal ? encodeData(graph.initializers, offsets) : null,
  };
}

function placeConstants(
  initializers: readonly Initializer[],
): Map<string, number> {
  const offsets = new Map<string, number>();
  let at = 0;
  for (const initializer of initializers) {
    const bytes = countBytes(initializer);
    if (bytes <= SMALL_BYTES) continue;
    offsets.set(initializer.name, at);
    at = Math.ceil((at + bytes) / ALIGNMENT) * ALIGNMENT;
  }
  return offsets;
}

function* encodeData(
  initializers: readonly Initializer[],
  offsets: ReadonlyMap<string, number>,
): Iterable<Uint8Array> {
  let at = 0;
  for (const initializer of initializers) {
    const offset = offsets.get(initializer.name);
    if (offset === undefined) continue;
    if (offset > at) yield new Uint8Array(offset - at);
    yield readChecked(initializer);
    at = offset + countBytes(initializer);
  }
}

function* encodePieces(
  graph: Graph,
  { dataFile, offsets }: {
    dataFile: string;
    offsets: ReadonlyMap<string, number>;
  },
): Iterable<Uint8Array> {
  const head = encodeGraphHead(graph);
  const tensors = graph.initializers.map((initializer) => {
    const offset = offsets.get(initializer.name);
    const start = offset === undefined
      ? encodeTensorHead(initializer)
      : encodeExternal(initializer, { dataFile, offset });
    const inline = offset === undefined ? countBytes(initializer) : 0;
    const field = new BinaryWriter().tag(5, WireType.LengthDelimited)
      .uint32(start.length + inline).finish();
    return { initializer, field, start, inline };
  });
  const graphBytes = tensors.reduce(
    (sum, { field, start, inline }) =>
      sum + field.length + start.length + inline,
    head.length,
  );
  yield encodeModelHead(graph);
  yield new BinaryWriter().tag(7, WireType.LengthDelimited)
    .uint32(graphBytes).finish();
  yield head;
  for (const { initializer, field, start, inline } of tensors) {
    yield field;
    yield start;
    if (inline > 0) yield readChecked(initializer);
  }
}

function readChecked(initializer: Initializer): Uint8Array {
  const bytes = initializer.read();
  const expected = countBytes(initializer);
  if (bytes.length !== expected) {
    throw new RangeError(
      `${initializer.name} gave ${bytes.length} bytes, its shape needs ${expected}`,
    );
  }
  return bytes;
}

function encodeModelHead(graph: Graph): Uint8Array {
  const out = new BinaryWriter();
  out.tag(1, WireType.Varint).int64(IR_VERSION);
  out.tag(2, WireType.LengthDelimited).string("cytoedge");
  for (const domain of [...new Set(["", ...listDomains(graph)])].sort()) {
    out.tag(8, WireType.LengthDelimited).fork();
    out.tag(1, WireType.LengthDelimited).string(domain);
    out.tag(2, WireType.Varint).int64(OPSETS[domain]);
    out.join();
  }
  return out.finish();
}

function listDomains({ nodes }: Graph): string[] {
  return nodes.flatMap(({ domain, attributes }) => [
    domain,
    ...Object.values(attributes).flatMap((attribute) =>
      "graph" in attribute ? listDomains(attribute.graph) : []
    ),
  ]);
}

/** All of the graph but its constants. */
function encodeGraphHead(graph: Graph): Uint8Array {
  const out = new BinaryWriter();
  for (const node of graph.nodes) encodeNode(out, node);
  out.tag(2, WireType.LengthDelimited).string(graph.name);
  for (const value of graph.inputs) encodeValue(out, 11, value);
  for (const value of graph.outputs) encodeValue(out, 12, value);
  return out.finish();
}

function encodeNode(out: BinaryWriter, node: Node): void {
  out.tag(1, WireType.LengthDelimited).fork();
  for (const name of node.inputs) {
    out.tag(1, WireType.LengthDelimited).string(name);
  }
  for (const name of node.outputs) {
    out.tag(2, WireType.LengthDelimited).string(name);
  }
  out.tag(3, WireType.LengthDelimited).string(node.outputs[0]);
  out.tag(4, WireType.LengthDelimited).string(node.op);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    encodeAttribute(out, name, attribute);
  }
  if (node.domain) out.tag(7, WireType.LengthDelimited).string(node.domain);
  out.join();
}

function encodeAttribute(
  out: BinaryWriter,
  name: string,
  attribute: Attribute,
): void {
  out.tag(5, WireType.LengthDelimited).fork();
  out.tag(1, WireType.LengthDelimited).string(name);
  let type: number;
  if ("float" in attribute) {
    type = 1;
    out.tag(2, WireType.Bit32).float(attribute.float);
  } else if ("int" in attribute) {
    type = 2;
    out.tag(3, WireType.Varint).int64(attribute.int);
  } else if ("text" in attribute) {
    type = 3;
    out.tag(4, WireType.LengthDelimited)
      .bytes(new TextEncoder().encode(attribute.text));
  } else if ("graph" in attribute) {
    type = 5;
    out.tag(6, WireType.LengthDelimited).bytes(encodeBody(attribute.graph));
  } else {
    type = 7;
    for (const item of attribute.ints) out.tag(8, WireType.Varint).int64(item);
  }
  out.tag(20, WireType.Varint).int32(type);
  out.join();
}

/** The graph of a loop; its constants lie within, so they must be few. */
function encodeBody(graph: Graph): Uint8Array {
  const out = new BinaryWriter().raw(encodeGraphHead(graph));
  for (const initializer of graph.initializers) {
    out.tag(5, WireType.LengthDelimited).fork();
    out.raw(encodeTensorHead(initializer)).raw(readChecked(initializer));
    out.join();
  }
  return out.finish();
}

function encodeValue(out: BinaryWriter, field: number, value: Value): void {
  out.tag(field, WireType.LengthDelimited).fork();
  out.tag(1, WireType.LengthDelimited).string(value.name);
  out.tag(2, WireType.LengthDelimited).fork();
  out.tag(1, WireType.LengthDelimited).fork();
  out.tag(1, WireType.Varint).int32(DTYPES[value.dtype].code);
  out.tag(2, WireType.LengthDelimited).fork();
  for (const dim of value.shape) {
    out.tag(1, WireType.LengthDelimited).fork();
    if (typeof dim === "number") out.tag(1, WireType.Varint).int64(dim);
    else out.tag(2, WireType.LengthDelimited).string(dim);
    out.join();
  }
  out.join().join().join().join();
}

/** A constant's message up to and with the length of its raw bytes. */
function encodeTensorHead(initializer: Initializer): Uint8Array {
  return beginTensor(initializer).tag(9, WireType.LengthDelimited)
    .uint32(countBytes(initializer)).finish();
}

function encodeExternal(
  initializer: Initializer,
  { dataFile, offset }: { dataFile: string; offset: number },
): Uint8Array {
  const out = beginTensor(initializer);
  const entries = {
    location: dataFile,
    offset: `${offset}`,
    length: `${countBytes(initializer)}`,
  };
  for (const [key, value] of Object.entries(entries)) {
    out.tag(13, WireType.LengthDelimited).fork();
    out.tag(1, WireType.LengthDelimited).string(key);
    out.tag(2, WireType.LengthDelimited).string(value);
    out.join();
  }
  return out.tag(14, WireType.Varint).int32(1).finish();
}

function beginTensor({ name, dtype, shape }: Initializer): BinaryWriter {
  const out = new BinaryWriter();
  for (const dim of shape) out.tag(1, WireType.Varint).int64(dim);
  out.tag(2, WireType.Varint).int32(DTYPES[dtype].code);
  return out.tag(8, WireType.LengthDelimited).string(name);
}
