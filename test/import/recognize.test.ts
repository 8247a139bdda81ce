import { expect, test } from "vitest";
import { recognize } from "../../gpu-worker/import/recognize.ts";
import type { Tensor } from "../../gpu-worker/import/tensors.ts";
import { openWeights } from "../../gpu-worker/import/weights.ts";

function tensorsOf(shapes: Record<string, number[]>) {
  return new Map<string, Tensor>(
    Object.entries(shapes).map(([name, shape]) => [name, {
      dtype: "f32",
      shape,
      read: () => new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)),
    }]),
  );
}

const SMALL = {
  "W2": [12, 3, 2, 2],
  "encoder.pos_embed": [1, 4, 4, 8],
  "encoder.patch_embed.proj.weight": [8, 3, 2, 2],
  "encoder.patch_embed.proj.bias": [8],
  "encoder.blocks.0.attn.rel_pos_h": [7, 4],
  "encoder.neck.0.weight": [4, 8, 1, 1],
  "out.weight": [12, 4, 1, 1],
};
const OPTIONS = { compute: "f32", attention: "fused" } as const;

test("recognize() lists what it saw and what it looks for", () => {
  const weights = openWeights(tensorsOf({
    "conv1.weight": [64, 3, 7, 7],
    "layer1.0.conv1.weight": [64, 64, 3, 3],
    "layer1.0.conv2.weight": [64, 64, 3, 3],
  }));
  expect(() => recognize(weights)).toThrow(
    /3 tensors \(conv1\.weight 64×3×7×7, layer1\.0\.\* \(2\)\)/,
  );
  expect(() => recognize(weights)).toThrow(/cellpose-sam \(with W2, /);
  expect(() => recognize(openWeights(new Map()))).toThrow(/without tensors/);
});

test("build() names a weight that is missing", () => {
  const weights = openWeights(tensorsOf(SMALL));
  const family = recognize(weights);
  expect(family.name).toBe("cellpose-sam");
  expect(() => family.build(weights, OPTIONS)).toThrow(
    "encoder.blocks.0.norm1.weight: is missing from the checkpoint",
  );
});

test("build() names tables whose heads do not share the channels", () => {
  const weights = openWeights(tensorsOf({
    ...SMALL,
    "encoder.blocks.0.norm1.weight": [8],
    "encoder.blocks.0.norm1.bias": [8],
    "encoder.blocks.0.attn.qkv.weight": [24, 8],
    "encoder.blocks.0.attn.rel_pos_h": [7, 3],
  }));
  expect(() => recognize(weights).build(weights, OPTIONS)).toThrow(
    "encoder.blocks.0.attn.rel_pos_h: has rows of 3 numbers, which do not divide 8 channels",
  );
});

test("build() names a weight of a wrong shape, with both shapes", () => {
  const wrong = { ...SMALL, "encoder.patch_embed.proj.weight": [9, 3, 2, 2] };
  const weights = openWeights(tensorsOf(wrong));
  expect(() => recognize(weights).build(weights, OPTIONS)).toThrow(
    "encoder.patch_embed.proj.weight: is 9×3×2×2, the rest of the network needs 8×?×?×?",
  );
});
