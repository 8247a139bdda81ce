/**
 * The report's page: Markdown around the numbers of one run.
 *
 * @module
 */
import { writeFigure5, writeFigure6 } from "./page_figures.ts";
import { type Method, METHOD_TITLES, REPORT_SETTINGS } from "./methods.ts";
import { SHOWN } from "./pictures.ts";
import { REAL_METHODS, type RealRow } from "./real_labels.ts";
import type { RealResults, Results } from "./run.ts";
import { list, percent, plusMinus, table } from "./markdown.ts";
import { writeReasons } from "./page_reasons.ts";

const METHOD_NAMES = Object.keys(METHOD_TITLES) as Method[];

/** Another page. */
export interface Link {
  readonly title: string;
  readonly path: string;
}

/** Write the page; `others` are linked from its head. */
export function writePage(
  results: Results,
  real: RealResults | undefined,
  others: readonly Link[] = [],
): string {
  return [
    writeHead(results),
    ...(others.length > 0
      ? [
        `More: ${
          list(others.map(({ title, path }) => `[${title}](${path})`))
        }.`,
      ]
      : []),
    writeTable4(results),
    writeReasons(results.table4),
    writeFigure5(results),
    writeFigure6(results.figure6),
    writePictures(),
    writeReal(real),
    writeChoices(),
  ].join("\n\n") + "\n";
}

function writeHead(
  { date, commit, version, runtime, seeds, isQuick }: Results,
) {
  const warning = isQuick
    ? `> **Quick run: ${seeds} seeds only.** For a first look, not to be quoted.\n\n`
    : "";
  return `# The report's experiments

${warning}Made by \`deno task report\` on ${
    date.slice(0, 10)
  } at commit ${commit} (version ${version}, ${runtime}): ${seeds} seeds each (0–${
    seeds - 1
  }), mean ± standard deviation. All numbers are also in [results.json](results.json).

Every method but the baseline starts from flows computed from the true labels: the question is what is lost on the way back from flows to masks, not how well a network predicts.

- **report's pipeline**: centroid flows, ${REPORT_SETTINGS.niter} Euler steps, DBSCAN (eps ${REPORT_SETTINGS.eps}, 5 samples).
- **ours**: leak-free diffusion flows, \`computeMasks\` with its defaults.
- **Cellpose parity mode**: the flows of Cellpose 4.2.1.1, which leak between touching cells, its half-pixel shift, its flow check.
- **threshold + watershed**: Otsu's threshold of the rendered fluorescence image, watershed of the distance transform of the foreground. It alone sees an image.

Mean IoU is the mean over true cells of the IoU with the matched prediction, 0 for a cell without one (IoU < 0.5). AP50 = TP / (TP + FP + FN) at IoU 0.5.`;
}

function writeTable4({ table4 }: Results): string {
  const heads = ["published", ...METHOD_NAMES.map((m) => METHOD_TITLES[m])];
  const iou = table4.map((row) => [
    `${row.name}: ${row.what}`,
    row.cells.mean.toFixed(1),
    percent(row.coveredShare.mean),
    row.published.toFixed(3),
    ...METHOD_NAMES.map((method) => plusMinus(row.iou[method])),
  ]);
  const ap = table4.map((row) => [
    row.name,
    ...METHOD_NAMES.map((method) => plusMinus(row.ap50[method])),
  ]);
  const worst = table4.reduce((a, b) =>
    b.iou.ours.mean < a.iou.ours.mean ? b : a
  );
  const placed = Math.min(...table4.map(({ placedShare }) => placedShare));
  return `## Table 4

Mean IoU. *Covered* is the part of the cells' area that later cells cover; in every scene at least ${
    percent(placed)
  } of the cells lie exactly at the least distance that the overlap allows.

${table(["scenario", "cells", "covered", ...heads], iou)}

Ours is lowest in ${worst.name}: ${worst.iou.ours.mean.toFixed(3)}.

AP50:

${table(["scenario", ...heads.slice(1)], ap)}

![Mean IoU of every method in each scenario](table4.svg)`;
}

function writePictures(): string {
  const rows = SHOWN.map(({ file, title }) => {
    const shown = (kind: string, what: string) =>
      `![${title}: ${what}](${file}_${kind})`;
    const heads = ["truth", ...METHOD_NAMES.map((m) => METHOD_TITLES[m])];
    const overlays = ["truth.png", ...METHOD_NAMES.map((m) => `${m}.png`)]
      .map((kind, k) => shown(kind, heads[k]));
    const fields = ["centroid", "diffusion"].flatMap((kind) => [
      shown(`flows_${kind}.png`, `${kind} flows in color`),
      shown(`arrows_${kind}.svg`, `${kind} flows as arrows`),
    ]);
    const columns = ["centroid flows", "", "diffusion flows", ""];
    return `### ${title}\n\n${table(heads, [overlays])}\n\n${
      table(columns, [fields])
    }`;
  });
  return `## Figures 3 and 4

Seed 0 of each scenario. Truth is solid purple, the prediction dashed yellow, on the rendered fluorescence image. In the fields hue is the direction of the flow, brightness its length.

${rows.join("\n\n")}

### What the generator renders

Above: fluorescence, phase contrast, brightfield, histology. Below: fluorescence with strong noise, blur, uneven illumination, texture.

![Rendered micrographs](micrographs.png)`;
}

function writeReal(real: RealResults | undefined): string {
  const head = "## Real labels";
  if (!real) {
    return `${head}\n\nNot run: \`deno task report --data DIR\` takes a folder of labelled images.`;
  }
  const heads = REAL_METHODS.map((method) => METHOD_TITLES[method]);
  const row = ({ modality, images, cells, iou, ap50 }: RealRow) => [
    modality,
    `${images}`,
    `${cells}`,
    ...REAL_METHODS.map((m) =>
      `${iou[m].mean.toFixed(3)} / ${ap50[m].mean.toFixed(3)}`
    ),
  ];
  return `${head}

The same way back from flows to masks, for the labels of real 2-D images; mean IoU / AP50, means over images. In long or bent cells points of the report's pipeline stop where their straight way leaves the cell for the background; such points form clusters of their own, which its AP50 counts as false. Made with \`--data\` on ${
    real.date.slice(0, 10)
  } at commit ${real.commit}.

${table(["images of", "images", "cells", ...heads], real.rows.map(row))}`;
}

function writeChoices(): string {
  return `## What the report leaves open, and what is taken here

- Scenes are 256×256 with mean radii of 12–22 px, the radius of the circle of the same area. Each new cell is placed at exactly (1 − overlap)·(r₁ + r₂) from an earlier one where it finds room, never nearer; later cells cover earlier ones. Truth is each cell's largest visible 4-connected part of at least 40 px, so fewer cells may be in view than were placed.
- Line-like cells are rods with round ends; "mixed" draws circles, ellipses (aspect 1.2–2.5) and rods (3–5) alike. Figures 5 and 6 use 20 mixed cells with overlap 0.5.
- DBSCAN's minimum of samples is 5, scikit-learn's default, its own point included.
- In Table 4 the report's pipeline takes ${REPORT_SETTINGS.niter} steps and eps ${REPORT_SETTINGS.eps}: by Figure 6 no other N or eps does better once the points have arrived.
- Images and scenes come from integer arithmetic, + − × ÷ and √ only, masks from the module: the numbers are the same on every machine.`;
}
