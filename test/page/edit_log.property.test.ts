import fc from "fast-check";
import { expect, test } from "vitest";
import {
  addEdit,
  applyRuns,
  diffRuns,
  EMPTY_LOG,
  redo,
  replay,
  toRuns,
  undo,
} from "../../edge/web/edit/log.ts";
import { Labels } from "../../edge/web/edit/labels.ts";
import { pack, summarize, unpack } from "../../edge/web/edit/packed.ts";

const PIXELS = 64;
const masks = fc.uint32Array({
  minLength: PIXELS,
  maxLength: PIXELS,
  max: 5,
});

const SIZE = { height: 8, width: 8 };
const labelsOf = (each: Uint32Array) => new Labels(pack(each), SIZE);

test("diffRuns() leads from one image to the other and back", () => {
  fc.assert(fc.property(masks, masks, (a, b) => {
    const runs = diffRuns(labelsOf(a), labelsOf(b));
    const there = labelsOf(a);
    applyRuns(there, runs, "after");
    expect(there.toArray()).toEqual(b);
    applyRuns(there, runs, "before");
    expect(there.toArray()).toEqual(a);
  }));
});

test("undo() and redo() in any order give what replay() gives", () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("edit" as const), to: masks }),
      fc.constant({ kind: "undo" as const }),
      fc.constant({ kind: "redo" as const }),
    ),
    { maxLength: 40 },
  );
  fc.assert(fc.property(masks, steps, (base, all) => {
    const held = labelsOf(base);
    let log = EMPTY_LOG;
    // a plain history of whole images to compare with
    let past = [base.slice()];
    let at = 0;
    for (const step of all) {
      if (step.kind === "edit") {
        const runs = diffRuns(held, labelsOf(step.to));
        if (runs.length === 0) continue;
        applyRuns(held, runs, "after");
        log = addEdit(log, { tool: "test", runs });
        past = [...past.slice(0, at + 1), step.to];
        at++;
      } else {
        const moved = step.kind === "undo" ? undo(held, log) : redo(held, log);
        const next = at + (step.kind === "undo" ? -1 : 1);
        expect(moved === undefined).toBe(past[next] === undefined);
        if (moved) {
          log = moved.log;
          at = next;
        }
      }
      expect(held.toArray()).toEqual(past[at]);
      expect(replay(pack(base), SIZE, log).toArray()).toEqual(past[at]);
    }
  }));
});

test("toRuns() joins neighbors of the same change only", () => {
  const runs = toRuns(
    new Labels(pack(Uint32Array.of(0, 0, 1, 1, 0)), { height: 1, width: 5 }),
    [0, 1, 2, 4],
    () => 7,
  );
  expect([...runs]).toEqual([0, 2, 0, 7, 2, 1, 1, 7, 4, 1, 0, 7]);
  const one = new Labels(Uint32Array.of(1, 7), { height: 1, width: 1 });
  expect(toRuns(one, [0], () => 7)).toHaveLength(0);
});

test("pack() and unpack() give the masks back, and their areas", () => {
  fc.assert(fc.property(fc.uint32Array({ max: 3 }), (each) => {
    const packed = pack(each);
    expect(unpack(packed)).toEqual(each);
    const { areas, count } = summarize(packed);
    expect(areas.length - 1).toBe(each.reduce((a, b) => Math.max(a, b), 0));
    expect(count).toBe(new Set(each.filter((label) => label > 0)).size);
    for (const label of [1, 2, 3]) {
      expect(areas[label] ?? 0).toBe(each.filter((l) => l === label).length);
    }
  }));
});

test("summarize() numbers labels anew where a table cannot hold them", () => {
  const packed = pack(Uint32Array.of(0, 2 ** 31, 2 ** 31, 7, 2 ** 24));
  const { areas, count } = summarize(packed);
  expect([...unpack(packed)]).toEqual([0, 1, 1, 2, 3]);
  expect([...areas]).toEqual([0, 2, 1, 1]);
  expect(count).toBe(3);
});
