import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { core } from "./core.ts";

/** A fixture of fixtures/metrics/make.py: Cellpose 4.2.1.1's own scores. */
interface Case {
  height: number;
  width: number;
  truth: string;
  prediction: string;
  thresholds: number[];
  ap: (number | string)[];
  tp: number[];
  fp: number[];
  fn: number[];
  aji: number | string;
  scales: number[];
  boundary: (number | string)[][];
  diameter: number;
}

const FOLDER = new URL("./fixtures/metrics/", import.meta.url);
const names = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));

test("fixtures are there", () => expect(names.length).toBe(12));

for (const name of names) {
  const c: Case = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
  const size = { height: c.height, width: c.width };
  const truth = unpack(c.truth);
  const prediction = unpack(c.prediction);

  test(`averagePrecision() equals Cellpose's on ${name}`, () => {
    const rows = core.averagePrecision(truth, prediction, size, c.thresholds, {
      parity: true,
    });
    expect(rows.map((row) => row.tp)).toEqual(c.tp);
    expect(rows.map((row) => row.fp)).toEqual(c.fp);
    expect(rows.map((row) => row.fn)).toEqual(c.fn);
    expectNear(rows.map((row) => row.ap), c.ap);
  });

  test(`aggregatedJaccard() of kind "cellpose" equals Cellpose's on ${name}`, () => {
    const { kind, aji } = core.aggregatedJaccard(truth, prediction, size, {
      kind: "cellpose",
    });
    expect(kind).toBe("cellpose");
    expectNear([aji], [c.aji]);
  });

  test(`boundaryScores() in parity mode equals Cellpose's on ${name}`, () => {
    const rows = core.boundaryScores(truth, prediction, size, {
      scales: c.scales,
      parity: true,
    });
    expectNear(rows.map((row) => row.precision), c.boundary[0]);
    expectNear(rows.map((row) => row.recall), c.boundary[1]);
    expectNear(rows.map((row) => row.f), c.boundary[2]);
    expectNear(
      rows.map((row) => row.radius),
      c.scales.map((s) => Math.max(1, s * c.diameter)),
    );
  });
}

function unpack(text: string): Uint16Array {
  const bytes = inflateSync(Buffer.from(text, "base64"));
  return new Uint16Array(new Uint8Array(bytes).buffer);
}

function expectNear(got: number[], want: (number | string)[]) {
  expect(got.length).toBe(want.length);
  want.forEach((value, k) => {
    // "nan" and "inf" as Python writes them
    if (typeof value === "string") {
      expect(got[k]).toBe(value === "nan" ? NaN : Infinity);
    } else expect(Math.abs(got[k] - value)).toBeLessThanOrEqual(1e-6);
  });
}
