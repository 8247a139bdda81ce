/**
 * Two results of an image side by side.
 *
 * @module
 */
import { useEffect, useRef } from "preact/hooks";
import type { Comparison, Side } from "../actions/compare.ts";
import type { Labels } from "../edit/labels.ts";
import { topOf } from "../edit/packed.ts";
import type { Doc } from "../store.ts";
import { levelSize, TILE } from "../view/geometry.ts";
import { labelTable, stableColor } from "../view/colors.ts";
import { drawOverlay } from "../view/overlay.ts";
import { pictures } from "../workers.ts";

/** Longest edge of a picture, pixels: lines must be seen in half a panel. */
const EDGE = 320;
/** Of the colors of cells, 0–255. */
const ALPHA = 110;

/** The pictures, with what each found. */
export function SideBySide({ image, truth, sides }: Comparison) {
  return (
    <div class="sides" data-testid="sides">
      {sides.map((side) => (
        <figure key={side.title}>
          <Picture image={image} truth={truth} side={side} />
          <figcaption>{describe(side)}</figcaption>
        </figure>
      ))}
    </div>
  );
}

function describe({ title, count, ap }: Side): string {
  const score = ap === undefined ? "" : `, AP50 ${ap.toFixed(3)}`;
  return `${title}: ${count} cells${score}`;
}

function Picture(
  { image, truth, side }: {
    image: Doc;
    truth: Labels | undefined;
    side: Side;
  },
) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current) void draw(canvas.current, { image, truth, side });
  }, [image, truth, side]);
  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={`${image.name}, ${
        describe(side)
      }; corrected cells in purple, found ones dashed yellow`}
    />
  );
}

async function draw(
  canvas: HTMLCanvasElement,
  { image, truth, side }: {
    image: Doc;
    truth: Labels | undefined;
    side: Side;
  },
): Promise<void> {
  const { size } = image.facts;
  const longest = Math.max(size.height, size.width);
  const level = Math.max(0, Math.ceil(Math.log2(longest / EDGE)));
  const { height, width } = levelSize(size, level);
  canvas.height = height;
  canvas.width = width;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const edge = Math.max(height, width);
  const below = await pictures.call("drawThumbnail", { id: image.id, edge });
  context.drawImage(below, 0, 0, width, height);
  const top = topOf(side.masks.pack());
  const look = {
    masks: side.masks,
    fill: labelTable(top, stableColor, ALPHA),
    hasOutlines: true,
    ...(truth ? { truth } : {}),
  };
  for (let row = 0; row * TILE < height; row++) {
    for (let column = 0; column * TILE < width; column++) {
      const tile = drawOverlay(look, size, { level, column, row });
      const data = new ImageData(
        new Uint8ClampedArray(tile.pixels.buffer),
        tile.width,
        tile.height,
      );
      const lines = await createImageBitmap(data);
      context.drawImage(lines, column * TILE, row * TILE);
      lines.close();
    }
  }
}
