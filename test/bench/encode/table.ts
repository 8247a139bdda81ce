/**
 * The result of `bench encode` as Markdown.
 *
 * @module
 */
import type { EncodeResult } from "./result.ts";

/** Work of a ViT-L tile, TFLOP. */
const TILE_TFLOP = 0.73;

/** Bytes a pixel that may be file-backed, and growth, of the goal. */
const GOAL_BYTES = 16;
const GOAL_GROWTH = 1.3;

/** Tables of times, ratios and memory. */
export function formatEncode(result: EncodeResult): string {
  const { date, machine, commit, load } = result;
  return [
    `${date}, ${machine}, commit ${commit}; busy threads before ${
      load[0].toFixed(1)
    }, after ${load[1].toFixed(1)}.`,
    ...tileRows(result),
    ...restRows(result),
    ...memoryRows(result),
  ].join("\n");
}

function tileRows({ tiles, gpu }: EncodeResult): string[] {
  if (tiles.length === 0) return ["", "No PyTorch: tiles are not compared."];
  const card = gpu
    ? ` on ${gpu.name}, PyTorch in bf16; share of ${
      gpu.peakTflops ?? "an unknown number of"
    } TFLOP/s at ${TILE_TFLOP} TFLOP a ViT-L tile`
    : "";
  return [
    "",
    `Least milliseconds a tile${card}:`,
    "",
    row("network", "parameters", "ours", "PyTorch", "ratio", "tiles/s"),
    row("---", "---:", "---:", "---:", "---:", "---:"),
    ...tiles.map((each) => {
      const { network, precision, parameters, oursMs, torchMs } = each;
      const perSecond = 1e3 * each.tiles / oursMs;
      const share = gpu?.peakTflops && network === "ViT-L"
        ? ` (${(100 * perSecond * TILE_TFLOP / gpu.peakTflops).toFixed(0)} %)`
        : "";
      return row(
        `${network}, ${precision}`,
        `${(parameters / 1e6).toFixed(1)} M`,
        (oursMs / each.tiles).toFixed(1),
        `${(torchMs / each.tiles).toFixed(1)} (torch ${each.torch})`,
        `${(torchMs / oursMs).toFixed(2)}×`,
        `${perSecond.toFixed(2)}${share}`,
      );
    }),
  ];
}

function restRows({ rest }: EncodeResult): string[] {
  if (rest === undefined) return [];
  const { oursMs, oursCells, peerMs, peerCells, rounds } = rest;
  const { encode: _, total: __, estimate: ___, ...stages } = rest.stages;
  const known = Object.values(stages).reduce((a, b) => a + b, 0);
  const all = { ...stages, "read and write": oursMs - known };
  return [
    "",
    `Everything but the network, 2048×2048×3 u16 from TIFF to TIFF, least of ${rounds}: ` +
    `**${oursMs.toFixed(0)} ms** (${oursCells} cells)` +
    (peerMs === undefined
      ? "."
      : `; Cellpose ${peerMs.toFixed(0)} ms (${peerCells} cells): **${
        (peerMs / oursMs).toFixed(1)
      }×**.`) +
    ` Processor time: ${rest.oursProcessorMs.toFixed(0)} ms` +
    (rest.peerProcessorMs === undefined
      ? "."
      : `, Cellpose ${rest.peerProcessorMs.toFixed(0)} ms (${
        (rest.peerProcessorMs / rest.oursProcessorMs).toFixed(1)
      }×).`),
    "",
    row(...Object.keys(all)),
    row(...Object.keys(all).map(() => "---:")),
    row(...Object.values(all).map((ms) => ms.toFixed(0))),
  ];
}

function memoryRows({ memory }: EncodeResult): string[] {
  if (memory.length === 0) return [];
  const [small] = memory;
  const large = memory.find(({ width }) => width > small.width);
  const goal = large &&
    GOAL_GROWTH * small.peakBytes + GOAL_BYTES * large.height * large.width;
  return [
    "",
    "Peak of resident memory from NPY to TIFF, without a network's:",
    "",
    row("image", "held", "cells", "MiB", "seconds"),
    row("---", "---", "---:", "---:", "---:"),
    ...memory.map(({ height, width, mode, cells, peakBytes, seconds }) =>
      row(
        `${height}×${width}`,
        mode === "bands" ? "in bands" : "in memory",
        String(cells),
        (peakBytes / 2 ** 20).toFixed(0),
        seconds.toFixed(1),
      )
    ),
    ...(large && goal
      ? [
        "",
        `Goal for ${large.height}×${large.width}: ${GOAL_GROWTH} times the first row and ${GOAL_BYTES} bytes a pixel, ${
          (goal / 2 ** 20).toFixed(0)
        } MiB: ${large.peakBytes <= goal ? "met" : "missed"}.`,
      ]
      : []),
  ];
}

function row(...cells: string[]): string {
  return `| ${cells.join(" | ")} |`;
}
