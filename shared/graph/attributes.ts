/**
 * Attributes of a node by their type.
 *
 * @module
 */
import type { Node } from "./types.ts";

/** An integer; `fallback` where the attribute is missing. */
export function intOf(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes[name];
  return attribute && "int" in attribute ? attribute.int : fallback;
}

/** A list of integers. */
export function intsOf(
  node: Node,
  name: string,
  fallback: readonly number[],
): readonly number[] {
  const attribute = node.attributes[name];
  return attribute && "ints" in attribute ? attribute.ints : fallback;
}

/** A number. */
export function floatOf(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes[name];
  return attribute && "float" in attribute ? attribute.float : fallback;
}

/** A word. */
export function textOf(node: Node, name: string, fallback: string): string {
  const attribute = node.attributes[name];
  return attribute && "text" in attribute ? attribute.text : fallback;
}
