import fc from "fast-check";
import { expect, test } from "vitest";
import { ArgumentError } from "../shared/errors.ts";
import { core } from "./core.ts";
import {
  areaOf,
  distanceTo,
  fillRings,
  listRings,
  type Ring,
} from "./reference/rings.ts";

const edge = fc.integer({ min: 1, max: 14 });
const images = fc.tuple(edge, edge).chain(([height, width]) =>
  fc.record({
    size: fc.constant({ height, width }),
    masks: fc.array(fc.constantFrom(0, 1, 1, 2, 2 ** 32 - 1), {
      minLength: height * width,
      maxLength: height * width,
    }).map((labels) => Uint32Array.from(labels)),
  })
);

const check = (run: (it: { size: Size; masks: Uint32Array }) => void) =>
  fc.assert(fc.property(images, run), { seed: 5, numRuns: 300 });
type Size = { height: number; width: number };

test("traceContours() along edges gives the masks back when filled", () => {
  check(({ masks, size }) => {
    const rings = listRings(core.traceContours(masks, size));
    expect(fillRings(rings, size.height, size.width)).toEqual(masks);
  });
});

test("traceContours() along edges encloses exactly the pixels", () => {
  check(({ masks, size }) => {
    const areas = new Map<number, number>();
    for (const ring of listRings(core.traceContours(masks, size))) {
      const area = areaOf(ring);
      // outer rings run counterclockwise on screen, holes clockwise
      expect(area > 0).toBe(!ring.isHole);
      areas.set(ring.label, (areas.get(ring.label) ?? 0) + area);
    }
    for (const label of new Set(masks)) {
      const count = masks.filter((value) => value === label).length;
      expect(areas.get(label) ?? 0).toBe(label === 0 ? 0 : count);
    }
  });
});

test("traceContours() along edges gives simple rings of turning corners", () => {
  check(({ masks, size }) => {
    for (const { points } of listRings(core.traceContours(masks, size))) {
      expect(new Set(points.map(String)).size).toBe(points.length);
      points.forEach(([y, x], i) => {
        const [v, u] = points[(i + 1) % points.length];
        const [t, s] = points[(i + 2) % points.length];
        // each side is straight, the next one at a right angle
        expect((y === v) !== (x === u)).toBe(true);
        expect(y === v).toBe(u === s);
        expect(x === u).toBe(v === t);
      });
    }
  });
});

test("traceContours() orders rings by label, each polygon's outer ring first", () => {
  for (const along of ["edges", "centers"] as const) {
    check(({ masks, size }) => {
      const rings = listRings(
        core.traceContours(masks, size, { along, holes: true }),
      );
      rings.forEach((ring, i) => {
        const last: Ring | undefined = rings[i - 1];
        if (last) expect(ring.label).toBeGreaterThanOrEqual(last.label);
        const isNext = ring.polygon !== last?.polygon;
        expect(ring.isHole).toBe(!isNext);
        if (isNext) expect(ring.polygon).toBe((last?.polygon ?? -1) + 1);
        else {
          // a hole lies within the box of its outer ring
          const outer = rings.find((r) => r.polygon === ring.polygon)!;
          for (const axis of [0, 1]) {
            const at = (r: Ring) => r.points.map((point) => point[axis]);
            expect(Math.min(...at(ring)))
              .toBeGreaterThanOrEqual(Math.min(...at(outer)));
            expect(Math.max(...at(ring)))
              .toBeLessThanOrEqual(Math.max(...at(outer)));
          }
        }
      });
    });
  }
});

test("traceContours() simplifies within the tolerance, to points it had", () => {
  for (const tolerance of [0, 0.8, 2]) {
    check(({ masks, size }) => {
      const full = listRings(core.traceContours(masks, size));
      const fewer = listRings(core.traceContours(masks, size, { tolerance }));
      expect(fewer.length).toBe(full.length);
      fewer.forEach(({ points, label }, r) => {
        expect(label).toBe(full[r].label);
        expect(points[0]).toEqual(full[r].points[0]);
        expect(points.length).toBeGreaterThanOrEqual(3);
        const had = new Set(full[r].points.map(String));
        expect(points.every((point) => had.has(String(point)))).toBe(true);
        for (const point of full[r].points) {
          expect(distanceTo(point, points)).toBeLessThanOrEqual(
            tolerance + 1e-9,
          );
        }
      });
    });
  }
});

test("traceContours() leaves out points on straight lines with tolerance 0", () => {
  const masks = new Uint32Array(5 * 8).fill(3);
  const size = { height: 5, width: 8 };
  const full = core.traceContours(masks, size, { along: "centers" });
  expect(full.points.length / 2).toBe(22);
  const corners = core.traceContours(masks, size, {
    along: "centers",
    tolerance: 0,
  });
  expect([...corners.points]).toEqual([0, 0, 4, 0, 4, 7, 0, 7]);
  // a path there and back keeps its two ends
  const line = core.traceContours(masks.subarray(0, 8), {
    height: 1,
    width: 8,
  }, { along: "centers", tolerance: 0 });
  expect([...line.points]).toEqual([0, 0, 0, 7]);
});

test("traceContours() separates parts that meet at a corner", () => {
  const masks = new Uint8Array([1, 0, 0, 1]);
  const size = { height: 2, width: 2 };
  const rings = listRings(core.traceContours(masks, size));
  expect(rings.map(({ points }) => points)).toEqual([
    [[0, 0], [1, 0], [1, 1], [0, 1]],
    [[1, 1], [2, 1], [2, 2], [1, 2]],
  ]);
});

test("traceContours() of no label has no rings", () => {
  const none = core.traceContours(new Uint8Array(6), { height: 2, width: 3 });
  expect([...none.offsets]).toEqual([0]);
  expect(none.labels.length + none.points.length + none.holes.length).toBe(0);
});

test("traceContours() refuses volumes and options that do not fit", () => {
  const masks = new Uint8Array(1);
  const size = { height: 1, width: 1 };
  expect(() => core.traceContours(masks, { depth: 1, ...size } as typeof size))
    .toThrow(ArgumentError);
  expect(() => core.traceContours(masks, size, { longest: true }))
    .toThrow(/longest/);
  expect(() => core.traceContours(masks, size, { tolerance: NaN }))
    .toThrow(/tolerance/);
});
