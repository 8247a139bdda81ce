import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { core } from "./core.ts";
import { listRings, type Ring } from "./reference/rings.ts";

/** An image and its contours as OpenCV finds them, points y, x, y, x, … */
interface Case {
  shape: [height: number, width: number];
  masks: number[];
  outline: number[];
  outer: [label: number, points: number[]][];
  longest: [label: number, points: number[]][];
  borders: [label: number, isHole: number, points: number[]][];
}

const { cases } = JSON.parse(
  await readFile(
    new URL("./fixtures/contours/contours.json", import.meta.url),
    "utf8",
  ),
) as { cases: Case[] };

const pair = ({ label, points }: Ring) => [label, points.flat()];
const sorted = (rings: unknown[]) => rings.map((r) => JSON.stringify(r)).sort();

test.each(cases.map((it, i) => [i, it] as const))(
  "outlines() and traceContours() equal OpenCV on image %i",
  (_, it) => {
    const [height, width] = it.shape;
    const size = { height, width };
    const masks = Uint32Array.from(it.masks);
    const along = "centers";
    expect([...core.outlines(masks, size)]).toEqual(it.outline);

    const outer = listRings(core.traceContours(masks, size, { along }));
    expect(outer.map(pair)).toEqual(it.outer);

    const longest = core.traceContours(masks, size, { along, longest: true });
    expect(listRings(longest).map(pair)).toEqual(it.longest);

    const borders = core.traceContours(masks, size, { along, holes: true });
    const rings = listRings(borders).map((ring) => [
      ring.label,
      Number(ring.isHole),
      ring.points.flat(),
    ]);
    expect(sorted(rings)).toEqual(sorted(it.borders));
  },
);
