import { rmSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { type Outcome, runConformance } from "../../cli/conformance/run.ts";
import { core } from "../core.ts";
import { listCases, unpack } from "./unpack.ts";

const folder = unpack();
afterAll(() => rmSync(folder, { recursive: true }));

test("the core agrees with Cellpose's recorded results", async () => {
  const outcomes: Outcome[] = [];
  for await (const outcome of runConformance(core, folder)) {
    outcomes.push(outcome);
  }
  const failed = outcomes.filter(({ status }) => status !== "PASS")
    .map(({ id, message }) => `${id}: ${message}`);
  expect(failed).toEqual([]);
  expect(outcomes.map(({ id }) => id).sort()).toEqual(listCases());
});
