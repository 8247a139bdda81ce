import { expect, test } from "vitest";
import { core } from "./core.ts";
import { writePage } from "./experiments/page.ts";
import {
  drawAll,
  type RealResults,
  runExperiments,
} from "./experiments/run.ts";

const PROVENANCE = {
  date: "2030-01-02T03:04:05Z",
  commit: "abc1234",
  version: "1.2.3",
  runtime: "Deno 9",
};
const results = runExperiments(core, PROVENANCE, {
  seeds: 1,
  isQuick: true,
}, () => {});

test("writePage() links to files of the run only, and to all of them", async () => {
  const files = await drawAll(core, results);
  const page = writePage(results, undefined);
  const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, name]) => name);
  const written = [...files.keys(), "results.json"];
  expect(new Set(links)).toEqual(new Set(written));
  for (const [name, content] of files) {
    if (name.endsWith(".svg")) {
      expect(content, name).toMatch(/^<svg .*<\/svg>/s);
    } else expect([...content.slice(1, 4)], name).toEqual([80, 78, 71]);
  }
});

test("writePage() holds the run's numbers, its date and commit, and marks a quick run", () => {
  const page = writePage(results, undefined);
  expect(page).toContain("Quick run: 1 seeds only");
  expect(page).toContain("2030-01-02 at commit abc1234");
  for (const { name, iou, ap50 } of results.table4) {
    for (const { mean } of [...Object.values(iou), ...Object.values(ap50)]) {
      const rows = page.split("\n").filter((line) =>
        line.startsWith(`| ${name}`)
      );
      expect(rows.some((row) => row.includes(mean.toFixed(3)))).toBe(true);
    }
  }
  expect(writePage({ ...results, isQuick: false }, undefined))
    .not.toContain("Quick run");
});

test("writePage() links to the pages of other runs that it is told of", () => {
  const others = [{ title: "other", path: "other/README.md" }];
  expect(writePage(results, undefined, others))
    .toContain("More: [other](other/README.md).");
  expect(writePage(results, undefined)).not.toContain("More:");
});

test("writePage() names date and commit of the real labels' own run", () => {
  const one = { mean: 0.875, sd: 0 };
  const scores = { report: one, ours: one, cellpose: one };
  const real: RealResults = {
    ...PROVENANCE,
    date: "2029-09-09",
    commit: "fedcba9",
    rows: [{ modality: "m", images: 2, cells: 3, iou: scores, ap50: scores }],
  };
  expect(writePage(results, real)).toContain("2029-09-09 at commit fedcba9");
  expect(writePage(results, real)).toContain("| m | 2 | 3 | 0.875 / 0.875");
  expect(writePage(results, undefined)).toContain("Not run");
});
