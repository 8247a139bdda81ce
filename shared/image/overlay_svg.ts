/**
 * Outlines over an image as SVG: lines that stay sharp at any size.
 *
 * @module
 */
import type { Size2D } from "../ndarray.ts";
import { colorOf } from "./overlay.ts";
import { groupRings, type Rings } from "./rings.ts";

/** How an overlay is drawn. */
export interface OverlaySvgOptions {
  /** URL of the image to lie behind, as a data: URL of a PNG. */
  readonly background?: string;
  /** CSS color of all lines; default: each label its own. */
  readonly color?: string;
  /** Pixels; default 1. */
  readonly lineWidth?: number;
}

/**
 * Draw outlines; each label is a path with its number as title.
 *
 * @param rings  along the edges of pixels: `traceContours`' default
 * @returns      the SVG document, one unit a pixel
 */
export function drawOverlaySvg(
  rings: Rings,
  size: Size2D,
  options: OverlaySvgOptions = {},
): string {
  const { background, ...rest } = options;
  const { open, image, close } = startOverlaySvg(rings, size, rest);
  return background === undefined
    ? open + close
    : open + image[0] + escape(background) + image[1] + close;
}

/**
 * The parts of an overlay whose background is written piece by piece.
 *
 * @returns  `open`, what goes before and after the background's URL, `close`
 */
export function startOverlaySvg(
  rings: Rings,
  { height, width }: Size2D,
  { color, lineWidth = 1 }: Omit<OverlaySvgOptions, "background"> = {},
) {
  const paths = groupRings(rings).map(({ label, polygons }) => {
    const d = polygons.flat().map((ring) =>
      `M${ring.map(([x, y]) => `${x} ${y}`).join("L")}Z`
    ).join("");
    const stroke = color ?? `rgb(${colorOf(label).join(",")})`;
    return `<path d="${d}" stroke="${
      escape(stroke)
    }"><title>${label}</title></path>`;
  });
  return {
    open:
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    image: [
      `<image href="`,
      `" width="${width}" height="${height}" style="image-rendering:pixelated"/>`,
    ],
    close:
      `<g fill="none" stroke-width="${lineWidth}" stroke-linejoin="round">\n${
        paths.join("\n")
      }\n</g></svg>\n`,
  } as const;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
