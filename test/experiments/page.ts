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
import { plusMinus, table } from "./markdown.ts";
import type { TableRow } from "./table4.ts";

const METHOD_NAMES = Object.keys(METHOD_TITLES) as Method[];
/** A published number farther above the measured one was not met. */
const MET = 0.005;

/** Write the page. */
export function writePage(
  results: Results,
  real: RealResults | undefined,
): string {
  return [
    writeHead(results),
    writeTable4(results),
    writeReasons(results.table4),
    writeFigure5(results),
    writeFigure6(results.figure6),
    writePictures(),
    writeReal(real),
    writeChoices(results),
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
- **ours**: leak-free diffusion flows, \`computeMasks\` with its defaults and positions sampled where they are.
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

function writeReasons(rows: readonly TableRow[]): string {
  const missed = rows.filter((row) =>
    row.published - row.iou.report.mean > MET
  );
  const names = missed.map((row) =>
    `${row.name} (by ${(row.published - row.iou.report.mean).toFixed(3)})`
  );
  const above = rows.filter((row) => row.iou.report.mean - row.published > MET)
    .map((row) =>
      `${row.name} (by ${(row.iou.report.mean - row.published).toFixed(3)})`
    );
  const body = rows.map(({ name, published, iou, why }) => [
    name,
    (iou.report.mean - published).toFixed(3).replace("-", "−"),
    percent(why.crossedShare),
    why.crossedIou.toFixed(3),
    why.otherIou.toFixed(3),
    percent(why.straightShare),
  ]);
  const most = rows.reduce((a, b) =>
    b.why.otherIou - b.why.crossedIou > a.why.otherIou - a.why.crossedIou
      ? b
      : a
  );
  return `## Where the report's numbers cannot be met by its own method

${
    names.length > 0
      ? `With this geometry the report's pipeline stays below its published number in ${
        list(names)
      }`
      : "The report's pipeline meets its published number in every scenario"
  }${above.length > 0 ? `; it is above it in ${list(above)}` : ""}.

Centroid flows point straight at the centroid. What is left of a cell that others cover is a crescent or a piece: from many of its pixels the straight way to the centroid leaves the cell, and the centroid itself may lie in the cell on top. A pixel that leaves its cell follows the flows of the cell it enters, ends at that cell's centroid, and is lost to its own; no eps brings it back, since DBSCAN sees end points only. Beside a border the bilinear sample also mixes in the neighbor's flow, which costs cells without such pixels a few percent. In the table, *crossed* cells are those in which the straight way leaves the cell from at least 1 % of their pixels, *straight* is the mean part of a cell's pixels whose way stays inside.

${
    table(
      [
        "scenario",
        "ours of it − published",
        "crossed cells",
        "their IoU",
        "IoU of the others",
        "straight",
      ],
      body,
    )
  }

The crossed cells make the difference: most in ${most.name}, where they reach ${
    most.why.crossedIou.toFixed(3)
  } and the others ${
    most.why.otherIou.toFixed(3)
  }. A mean near 1 at these overlaps means scenes in which hardly any cell was covered (the report gives no covered share), not another setting: eps and N change little once the points have arrived (Figure 6). Diffusion flows bend around the covering cell and keep those pixels.`;
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

Truth is solid purple, the prediction dashed yellow, on the rendered fluorescence image. In the fields hue is the direction of the flow, brightness its length.

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

The same way back from flows to masks, for hand-labelled 2-D images; mean IoU / AP50, means over images. Made with \`--data\` on ${
    real.date.slice(0, 10)
  } at commit ${real.commit}.

${table(["images of", "images", "cells", ...heads], real.rows.map(row))}`;
}

function writeChoices({ table4 }: Results): string {
  const radii = "12–22 px";
  return `## What the report leaves open, and what is taken here

- Scenes are 256×256 with mean radii of ${radii}, the radius of the circle of the same area. Each new cell is placed at exactly (1 − overlap)·(r₁ + r₂) from an earlier one where it finds room, never nearer; later cells cover earlier ones. Truth is each cell's largest visible 4-connected part of at least 40 px, so ${table4.length} scenarios have fewer cells in view than were placed.
- Line-like cells are rods with round ends; "mixed" draws circles, ellipses (aspect 1.2–2.5) and rods (3–5) alike. Figures 5 and 6 use 20 mixed cells with overlap 0.5.
- DBSCAN's minimum of samples is 5, scikit-learn's default, its own point included.
- In Table 4 the report's pipeline takes ${REPORT_SETTINGS.niter} steps and eps ${REPORT_SETTINGS.eps}: by Figure 6 no other N or eps does better by more than rounding once the points have arrived.
- Images and scenes come from integer arithmetic, + − × ÷ and √ only, masks from the module: the numbers are the same on every machine.`;
}

function list(names: readonly string[]): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
