/**
 * Gradient of taking rows by their numbers.
 *
 * @module
 */
import { intOf, reshape } from "../../../shared/graph/mod.ts";
import { known, type Rules, simple } from "./rule.ts";
import { zeros } from "./shape.ts";

/** Rules of this family. */
export const gather: Rules = {
  /** Rows that were taken several times gain every time. */
  Gather: simple(({ g, node }, d, [x, index]) => {
    const axis = intOf(node, "axis", 0);
    const at = axis < 0 ? axis + x.shape.length : axis;
    const count = known(index).reduce((n, m) => n * m, 1);
    const shape = known(x).map((edge, i) => i === at ? count : edge);
    const places = g.node("Expand", [
      reshape(g, index, shape.map((_, i) => i === at ? count : 1)),
      g.ints(shape),
    ], { dtype: index.dtype, shape });
    const inputs = [zeros(g, x), places, reshape(g, d, shape)];
    return [g.node("ScatterElements", inputs, x, {
      attributes: { axis: { int: at }, reduction: { text: "add" } },
    })];
  }),
};
