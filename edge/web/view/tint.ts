/**
 * Values of channels to colors: contrast, gamma, and the sum of the channels.
 *
 * Drawing only: no result is computed from it.
 *
 * @module
 */
import type { Color } from "../../../shared/image/types.ts";

/** How a channel is shown. */
export interface ChannelLook {
  readonly isShown: boolean;
  readonly color: Color;
  /** Values that become black and the full color. */
  readonly low: number;
  readonly high: number;
  readonly gamma: number;
}

/** Colors of channels: gray alone, red, green, blue, then others. */
const COLORS: readonly Color[] = [
  [255, 60, 60],
  [60, 255, 60],
  [80, 110, 255],
  [255, 60, 255],
  [60, 255, 255],
  [255, 255, 60],
];

/** The color that a channel starts with. */
export function firstColor(channel: number, channels: number): Color {
  if (channels === 1) return [255, 255, 255];
  if (channels === 3) {
    return [0, 1, 2].map((c) => c === channel ? 255 : 0) as unknown as Color;
  }
  return COLORS[channel % COLORS.length];
}

/** The part of a channel's color that a value gets, 0–1. */
export function shade(
  value: number,
  { low, high, gamma }: Pick<ChannelLook, "low" | "high" | "gamma">,
): number {
  const part = high > low ? (value - low) / (high - low) : 0;
  // written so that NaN is black
  if (!(part > 0)) return 0;
  return part >= 1 ? 1 : gamma === 1 ? part : part ** gamma;
}

/** Steps that shades are kept in. */
const STEPS = 1024;

/**
 * Draw channels into RGBA.
 *
 * @param planes  one a channel, H×W
 * @param looks   one a channel
 * @returns       H×W×4 u8, opaque
 */
export function tint(
  planes: readonly ArrayLike<number>[],
  looks: readonly ChannelLook[],
): Uint8ClampedArray<ArrayBuffer> {
  const pixels = planes[0]?.length ?? 0;
  const out = new Uint8ClampedArray(pixels * 4);
  for (let i = 3; i < out.length; i += 4) out[i] = 255;
  for (const [c, look] of looks.entries()) {
    const plane = planes[c];
    if (!look.isShown || plane === undefined) continue;
    const { low, high, color: [r, g, b] } = look;
    const table = Float32Array.from(
      { length: STEPS + 1 },
      (_, k) => shade(low + (high - low) * k / STEPS, look),
    );
    const scale = high > low ? STEPS / (high - low) : 0;
    for (let i = 0, at = 0; i < pixels; i++, at += 4) {
      const k = (plane[i] - low) * scale;
      const part = k >= STEPS ? 1 : k > 0 ? table[k | 0] : 0;
      out[at] += part * r;
      out[at + 1] += part * g;
      out[at + 2] += part * b;
    }
  }
  return out;
}
