/**
 * Typed ONNX graphs: build, then encode.
 *
 * @module
 */
export * from "./append.ts";
export * from "./attributes.ts";
export * from "./builder.ts";
export * from "./decode.ts";
export * from "./dtypes.ts";
export * from "./elementwise.ts";
export * from "./encode.ts";
export * from "./floats.ts";
export * from "./layout.ts";
export * from "./network.ts";
export * from "./operator_types.ts";
export * from "./quantized.ts";
export { product, spellShape } from "./shapes.ts";
export * from "./types.ts";
