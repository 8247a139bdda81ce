/**
 * The page of the experiments that need a network.
 *
 * @module
 */
import { list, percent, plusMinus, table } from "../markdown.ts";
import type { GalleryEntry } from "./gallery.ts";
import { type ModelResults, nameOfPlot } from "./run.ts";

/** Write the page. */
export function writeModelPage(results: ModelResults): string {
  return [
    writeHead(results),
    writeTable1(results),
    writeRobustness(results),
    writeGallery(results),
  ].join("\n\n") + "\n";
}

function writeHead(
  { date, commit, version, runtime, model, images, kinds }: ModelResults,
): string {
  return `# The report's experiments with a network

Made by \`deno task report --model DIR\` on ${
    date.slice(0, 10)
  } at commit ${commit} (version ${version}, ${runtime}) with the model ${model.name} (sha256 ${
    model.digest.slice(0, 16)
  }…) on ${images} labelled images: ${
    list(kinds)
  }. AP50 = TP / (TP + FP + FN) at IoU 0.5, mean ± standard deviation over images. All numbers are also in [results.json](results.json).`;
}

function writeTable1({ table1, missing }: ModelResults): string {
  const heads = ["method", "AP50", "touching cells found", "other cells found"];
  const rows = table1.map((row) => [
    row.method,
    plusMinus(row.ap50),
    `${percent(row.foundTouching)} of ${row.touching}`,
    `${percent(row.foundApart)} of ${row.apart}`,
  ]);
  return `## Table 1

No diameter is given, but to the U-Net, which estimates none and is told the true median one. A cell touches where one of its pixels lies beside (4 neighbors) another cell's; found is IoU ≥ 0.5. The threshold takes each 4-connected piece of the network's foreground for a cell; the watershed splits it by its distance transform.

${table(heads, rows)}${
    missing.length > 0 ? `\n\nNot measured: ${list(missing)}.` : ""
  }

SAM is not in the table: none of its weights ship with this project. Given prompts, it is a mechanism of the importer only.`;
}

function writeRobustness({ robustness }: ModelResults): string {
  const faults = [...new Set(robustness.map(({ fault }) => fault))];
  const methods = [...new Set(robustness.map(({ method }) => method))];
  const parts = faults.map((fault) => {
    const points = robustness.filter((point) => point.fault === fault);
    const strengths = [...new Set(points.map(({ strength }) => strength))];
    const rows = methods.map((method) => [
      method,
      ...strengths.map((strength) =>
        points.find((point) =>
          point.method === method && point.strength === strength
        )?.ap50.mean.toFixed(3) ?? "–"
      ),
    ]);
    const heads = [fault, ...strengths.map((strength) => `${strength}`)];
    return `${table(heads, rows)}\n\n![AP50 against ${fault}](${
      nameOfPlot(fault)
    })`;
  });
  return `## Robustness

AP50; networks are told the true median diameter, times the factor where that is what varies. Noise: its standard deviation as a part of the range. Blur: its standard deviation in pixels. Contrast: the part that is left, in whole steps of a byte. Channel order: channels moved on by so many, gray images into an otherwise empty color image. Downsampling: so many times smaller, truth too.

${parts.join("\n\n")}`;
}

function writeGallery({ gallery }: ModelResults): string {
  const show = (entry: GalleryEntry, what: string) =>
    `![${what}](${entry.file})<br>${
      entry.ap50 === undefined ? "no truth" : `AP50 ${entry.ap50.toFixed(3)}`
    }, ${entry.cells} cells`;
  const rows = gallery.map(({ image, kind, trueCells, many, usual }) => [
    `${image}${kind === "unknown" ? "" : ` (${kind})`}${
      trueCells === undefined ? "" : `, ${trueCells} true cells`
    }`,
    show(many, `${image}, 1000 iterations`),
    show(usual, `${image}, default`),
  ]);
  return `## Figures 10 and 11

Truth is solid purple, the prediction dashed yellow.

${table(["image", "1000 iterations", "default"], rows)}`;
}
