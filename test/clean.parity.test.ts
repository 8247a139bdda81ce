import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { core } from "./core.ts";
import { fromRuns, toSize } from "./labels.ts";

interface Case {
  name: string;
  shape: number[];
  minSize: number;
  labels: number[];
  out: number[];
  inner: number[];
}
const cases: Case[] = JSON.parse(
  readFileSync(new URL("fixtures/clean.json", import.meta.url), "utf8"),
);

test.each(cases)(
  "fillHolesAndRemoveSmall() gives Cellpose's pixels: $name",
  ({ shape, minSize, labels, out }) => {
    const options = { minSize, parity: true };
    const { masks, count } = core.fillHolesAndRemoveSmall(
      fromRuns(labels),
      toSize(shape),
      options,
    );
    const expected = fromRuns(out);
    expect(masks).toEqual(expected);
    expect(count).toBe(new Set(expected.filter((k) => k > 0)).size);
  },
);

test.each(cases)(
  "removeEdgeMasks() gives Cellpose's pixels: $name",
  ({ shape, labels, inner }) => {
    const { masks } = core.removeEdgeMasks(fromRuns(labels), toSize(shape));
    expect(masks).toEqual(fromRuns(inner));
  },
);
