import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { core } from "./core.ts";
import { fromRuns } from "./labels.ts";

interface Case {
  name: string;
  shape: [number, number, number];
  threshold: number;
  slices: number[];
  out: number[];
}
const cases: Case[] = JSON.parse(
  readFileSync(new URL("fixtures/stitch.json", import.meta.url), "utf8"),
);

test.each(cases)(
  "stitchSlices() gives Cellpose's pixels: $name",
  ({ shape: [depth, height, width], threshold, slices, out }) => {
    const { masks, count } = core.stitchSlices(
      fromRuns(slices),
      { depth, height, width },
      { threshold, parity: true },
    );
    const expected = fromRuns(out);
    expect(masks).toEqual(expected);
    expect(count).toBe(new Set(expected.filter((k) => k > 0)).size);
  },
);
