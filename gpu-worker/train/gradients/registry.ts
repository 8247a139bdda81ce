/**
 * All rules by operator.
 *
 * @module
 */
import type { Node } from "../../../shared/graph/mod.ts";
import { activation } from "./activation.ts";
import { attention } from "./attention.ts";
import { batchNorm } from "./batch_norm.ts";
import { convolution } from "./convolution.ts";
import { elementwise } from "./elementwise.ts";
import { gather } from "./gather.ts";
import { layerNorms } from "./layer_norm.ts";
import { matrix } from "./matrix.ts";
import { maxPool } from "./max_pool.ts";
import { poolResize } from "./pool_resize.ts";
import { reduce } from "./reduce.ts";
import type { Rule, Rules } from "./rule.ts";
import { shape } from "./shape.ts";
import { smooth } from "./smooth.ts";

const RULES: Rules = {
  ...activation,
  ...attention,
  ...batchNorm,
  ...convolution,
  ...elementwise,
  ...gather,
  ...layerNorms,
  ...matrix,
  ...maxPool,
  ...poolResize,
  ...reduce,
  ...shape,
  ...smooth,
};

/** The rule of a node's operator, if there is one. */
export function findRule({ op, domain }: Node): Rule | undefined {
  return RULES[domain === "" ? op : `${domain}:${op}`];
}
