/**
 * Segment Anything's image encoder, which Cellpose-SAM shares: patches,
 * blocks of attention with decomposed relative positions, neck.
 *
 * Source: Kirillov et al. 2023; package segment_anything 1.0.
 *
 * @module
 */
import { ShapeError } from "../../shared/errors.ts";
import {
  add,
  cast,
  type Dim,
  padEnd,
  product,
  reshape,
  slice,
  transpose,
  type Value,
} from "../../shared/graph/mod.ts";
import { addPositions, attend } from "./attention.ts";
import { addWide, convolve, linear, mlp, norm } from "./layers.ts";
import { keepBranch } from "./layer_drop.ts";
import { type Layers, parameter } from "./parameter.ts";

/** The encoder's LayerNorm. */
const EPSILON = 1e-6;

/** Sizes of an encoder, from its weights. */
export interface EncoderSizes {
  /** Token grid. */
  readonly height: number;
  readonly width: number;
  /** Channels of a token. */
  readonly channels: number;
  /** Edge of a patch in pixels. */
  readonly patch: number;
  readonly inputs: number;
}

/** Read an encoder's sizes. */
export function readSizes({ weights }: Layers, prefix: string): EncoderSizes {
  const [, height, width, channels] = weights.shape(
    `${prefix}.pos_embed`,
    [1, null, null, null],
  );
  const name = `${prefix}.patch_embed.proj.weight`;
  const [, inputs, patch] = weights.shape(name, [channels, null, null, null]);
  weights.shape(name, [channels, inputs, patch, patch]);
  return { height, width, channels, patch, inputs };
}

/**
 * The encoder up to its neck.
 *
 * @param x           N×inputs×(height·patch)×(width·patch) f32
 * @param isWindowed  true where a block looks at windows as large as its
 *                    tables tell; false where every block sees all tokens
 * @returns           N×height×width×neck f32
 */
export function encodeImage(
  l: Layers,
  x: Value,
  { prefix, isWindowed }: { prefix: string; isWindowed: boolean },
): Value {
  const { g, weights } = l;
  const sizes = readSizes(l, prefix);
  const { height, width, channels, patch } = sizes;
  const patches = convolve(l, x, {
    prefix: `${prefix}.patch_embed.proj`,
    stride: patch,
  });
  const grid = cast(g, transpose(g, patches, [0, 2, 3, 1]), "f32");
  const placed = add(
    g,
    grid,
    parameter(l, `${prefix}.pos_embed`, {
      wanted: [1, height, width, channels],
      dtype: "f32",
    }),
  );
  const [n] = x.shape;
  let tokens = reshape(g, placed, [product([n, height, width]), channels]);
  const blocks = weights.count(`${prefix}.blocks`);
  for (let i = 0; i < blocks; i++) {
    l.training?.boundaries.push(tokens);
    tokens = addBlock(l, tokens, { n, prefix, index: i, sizes, isWindowed });
  }
  l.training?.boundaries.push(tokens);
  return encodeNeck(l, tokens, { prefix: `${prefix}.neck`, n, sizes });
}

function addBlock(
  l: Layers,
  tokens: Value,
  { n, prefix, index, sizes, isWindowed }: {
    n: Dim;
    prefix: string;
    index: number;
    sizes: EncoderSizes;
    isWindowed: boolean;
  },
): Value {
  const { g, weights } = l;
  const { height, width, channels } = sizes;
  const block = `${prefix}.blocks.${index}`;
  const inputs = norm(l, tokens, {
    prefix: `${block}.norm1`,
    epsilon: EPSILON,
  });
  const window = isWindowed
    ? readWindow(l, `${block}.attn`, { height, width })
    : null;
  let attended: Value;
  if (window === null) {
    attended = selfAttend(l, inputs, { n, block, height, width });
  } else {
    const cut = cutWindows(l, inputs, { n, window, sizes });
    const seen = selfAttend(
      l,
      reshape(g, cut.tokens, [
        product([cut.count, window, window]),
        channels,
      ]),
      { n: cut.count, block, height: window, width: window },
    );
    attended = joinWindows(l, seen, { n, window, sizes });
  }
  const images = [n, product([height, width]), channels];
  const keep = (branch: Value) =>
    keepBranch(l, branch, { block: index, images });
  const sum = addWide(l, tokens, keep(attended));
  const second = norm(l, sum, { prefix: `${block}.norm2`, epsilon: EPSILON });
  weights.shape(`${block}.mlp.lin1.weight`, [null, channels]);
  const mixed = mlp(l, second, {
    first: `${block}.mlp.lin1`,
    second: `${block}.mlp.lin2`,
  });
  return addWide(l, sum, keep(mixed));
}

/** Attention over a rectangle of tokens, (n·height·width)×C. */
function selfAttend(
  l: Layers,
  x: Value,
  { n, block, height, width }: {
    n: Dim;
    block: string;
    height: number;
    width: number;
  },
): Value {
  const { g, weights } = l;
  const channels = Number(x.shape[1]);
  const attention = `${block}.attn`;
  const tables = [
    `${attention}.rel_pos_h`,
    `${attention}.rel_pos_w`,
  ] as const;
  const [, size] = weights.shape(tables[0], [null, null]);
  weights.shape(`${attention}.qkv.weight`, [3 * channels, channels]);
  const heads = countHeads(tables[0], { channels, size });
  const scale = 1 / Math.sqrt(size);
  const typed = cast(g, x, l.compute);
  const [query, key, value] = [0, 1, 2].map((i) =>
    reshape(
      g,
      linear(l, typed, {
        prefix: `${attention}.qkv`,
        part: { index: i, of: 3 },
      }),
      [n, height * width, heads, size],
    )
  );
  const placed = addPositions(l, { query, key, value }, {
    height,
    width,
    tables,
    scale,
  });
  return linear(l, attend(l, placed, scale), { prefix: `${attention}.proj` });
}

/**
 * Heads of a block.
 *
 * @throws {ShapeError} if they do not share the channels evenly
 */
function countHeads(
  name: string,
  { channels, size }: { channels: number; size: number },
): number {
  const heads = channels / size;
  if (Number.isInteger(heads)) return heads;
  throw new ShapeError(
    name,
    `has rows of ${size} numbers, which do not divide ${channels} channels`,
  );
}

/** Edge of a block's windows; null where its tables span the whole grid. */
function readWindow(
  { weights }: Layers,
  attention: string,
  { height, width }: { height: number; width: number },
): number | null {
  const [rows] = weights.shape(`${attention}.rel_pos_h`, [null, null]);
  const [columns] = weights.shape(`${attention}.rel_pos_w`, [null, null]);
  if (rows === 2 * height - 1 && columns === 2 * width - 1) return null;
  return (rows + 1) / 2;
}

interface Windows {
  readonly n: Dim;
  readonly window: number;
  readonly sizes: EncoderSizes;
}

/** Tokens as windows; zeros fill up the last row and column of windows. */
function cutWindows(
  { g }: Layers,
  x: Value,
  { n, window, sizes: { height, width, channels } }: Windows,
): { tokens: Value; count: Dim } {
  const down = Math.ceil(height / window);
  const across = Math.ceil(width / window);
  const grid = reshape(g, x, [n, height, width, channels]);
  const padded = padEnd(g, grid, [
    0,
    down * window - height,
    across * window - width,
    0,
  ]);
  const cut = reshape(g, padded, [n, down, window, across, window, channels]);
  return {
    tokens: transpose(g, cut, [0, 1, 3, 2, 4, 5]),
    count: product([n, down * across]),
  };
}

function joinWindows(
  { g }: Layers,
  x: Value,
  { n, window, sizes: { height, width, channels } }: Windows,
): Value {
  const down = Math.ceil(height / window);
  const across = Math.ceil(width / window);
  const cut = reshape(g, x, [n, down, across, window, window, channels]);
  const grid = reshape(g, transpose(g, cut, [0, 1, 3, 2, 4, 5]), [
    n,
    down * window,
    across * window,
    channels,
  ]);
  const rows = down * window === height
    ? grid
    : slice(g, grid, { axis: 1, start: 0, end: height });
  const whole = across * window === width
    ? rows
    : slice(g, rows, { axis: 2, start: 0, end: width });
  return reshape(g, whole, [product([n, height, width]), channels]);
}

/** 1×1 kernel, norm, 3×3 kernel, norm; the channels stay last where they can. */
function encodeNeck(
  l: Layers,
  tokens: Value,
  { prefix, n, sizes: { height, width } }: {
    prefix: string;
    n: Dim;
    sizes: EncoderSizes;
  },
): Value {
  const { g } = l;
  const narrow = norm(l, linear(l, tokens, { prefix: `${prefix}.0` }), {
    prefix: `${prefix}.1`,
    epsilon: EPSILON,
  });
  const grid = reshape(g, narrow, [n, height, width, narrow.shape[1]]);
  const planes = transpose(g, grid, [0, 3, 1, 2]);
  const mixed = convolve(l, planes, { prefix: `${prefix}.2`, padding: 1 });
  return norm(l, transpose(g, mixed, [0, 2, 3, 1]), {
    prefix: `${prefix}.3`,
    epsilon: EPSILON,
  });
}
