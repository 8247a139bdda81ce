/**
 * The report's pictures: overlays, flow fields in color and as arrows, and
 * what the renderer draws.
 *
 * @module
 */
import { drawArrows, drawFlows } from "../../shared/image/flow_picture.ts";
import { drawOutlines, PREDICTION, TRUTH } from "../../shared/image/overlay.ts";
import {
  enlarge,
  placeInColumn,
  placeInRow,
  toPicture,
} from "../../shared/image/picture.ts";
import { encodePicture } from "../../shared/image/png.ts";
import type { Picture } from "../../shared/image/types.ts";
import {
  generateScene,
  type Modality,
  renderMicrograph,
  type RenderOptions,
} from "../../shared/synthetic/mod.ts";
import type { Core } from "../../wasm/mod.ts";
import { cropPlanes, findCropBox } from "./crop.ts";
import { type Method, METHODS } from "./methods.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Files by name. */
export type Files = Map<string, Uint8Array | string>;

/** A scene that is shown: the scenario, and the seed it is shown with. */
export const SHOWN = [
  { file: "lines", scenario: "Ex6", seed: 0, title: "Line-like cells (Ex6)" },
  { file: "heap", scenario: "Ex7", seed: 0, title: "Extreme overlap (Ex7)" },
  { file: "circles", scenario: "Ex5", seed: 0, title: "Dense circles (Ex5)" },
] as const;

/** Edge of a picture, pixels, about. */
const EDGE = 480;

/** Draw everything. */
export function drawPictures(core: Core): Files {
  const files: Files = new Map();
  for (const shown of SHOWN) drawScene(core, shown, files);
  files.set("micrographs.png", encodePicture(drawMicrographs()));
  return files;
}

function drawScene(
  core: Core,
  { file, scenario, seed }: (typeof SHOWN)[number],
  files: Files,
): void {
  const { scene } = SCENARIOS.find(({ name }) => name === scenario)!;
  const { labels, size } = generateScene(seed, scene);
  const box = findCropBox(labels, size);
  const scale = Math.max(1, Math.floor(EDGE / Math.max(box.height, box.width)));
  const crop = { height: box.height, width: box.width };
  const cut = (masks: Uint32Array) => cropPlanes(masks, size, box);
  const truth = cut(labels);

  const image = renderMicrograph(labels, size, seed);
  const small = toPicture({
    data: cropPlanes(image.data, size, box),
    size: crop,
    channels: 1,
  });
  const base = drawOutlines(enlarge(small, scale), truth, {
    ...TRUTH,
    thickness: 2,
  });
  files.set(`${file}_truth.png`, encodePicture(base));
  for (const method of Object.keys(METHODS) as Method[]) {
    const masks = METHODS[method](core, { labels, size, seed });
    const style = { ...PREDICTION, thickness: 2 };
    const overlay = drawOutlines(base, cut(masks), style);
    files.set(`${file}_${method}.png`, encodePicture(overlay));
  }

  const fields = {
    centroid: core.centroidFlows(labels, size),
    diffusion: core.labelsToFlows(labels, size),
  };
  for (const [kind, flows] of Object.entries(fields)) {
    const part = cropPlanes(flows, size, box);
    const colors = enlarge(drawFlows(part, crop), scale);
    files.set(`${file}_flows_${kind}.png`, encodePicture(colors));
    files.set(
      `${file}_arrows_${kind}.svg`,
      drawArrows(part, crop, {
        step: 3,
        scale,
        color: "#e02000",
        background: toDataUrl(drawPale(truth, crop)),
      }),
    );
  }
}

/** Four kinds of light, and below them the fluorescence with each effect. */
function drawMicrographs(): Picture {
  const size = { height: 200, width: 200 };
  const { labels } = generateScene(5, {
    shape: "mixed",
    count: 14,
    overlap: 0.4,
    size,
  });
  const render = (options: RenderOptions) =>
    toPicture(renderMicrograph(labels, size, 5, options));
  const modalities: Modality[] = [
    "fluorescence",
    "phase",
    "brightfield",
    "histology",
  ];
  const effects: RenderOptions[] = [
    { noise: 0.2 },
    { blur: 3 },
    { illumination: 0.8 },
    { texture: 1 },
  ];
  return placeInColumn([
    placeInRow(modalities.map((modality) => render({ modality }))),
    placeInRow(effects.map(render)),
  ]);
}

/** Cells in pale grays that differ, for arrows to lie on. */
function drawPale(
  labels: Uint32Array,
  { height, width }: { height: number; width: number },
): Picture {
  const data = new Uint8Array(labels.length * 3);
  labels.forEach((label, i) => {
    const gray = label === 0 ? 255 : 195 + label * 29 % 50;
    data.fill(gray, i * 3, i * 3 + 3);
  });
  return { data, height, width };
}

function toDataUrl(picture: Picture): string {
  const bytes = encodePicture(picture);
  return `data:image/png;base64,${btoa(String.fromCharCode(...bytes))}`;
}
