/**
 * All rules by operator.
 *
 * @module
 */
import type { Node } from "../../../shared/graph/mod.ts";
import { activation } from "./activation.ts";
import { elementwise } from "./elementwise.ts";
import type { Rule, Rules } from "./rule.ts";

const RULES: Rules = {
  ...activation,
  ...elementwise,
};

/** The rule of a node's operator, if there is one. */
export function findRule({ op, domain }: Node): Rule | undefined {
  return RULES[domain === "" ? op : `${domain}:${op}`];
}
