/** Measurements of images that are too large to unpack at once. */
import { expect, test } from "vitest";
import { pack } from "../../edge/web/edit/packed.ts";
import { storeRuns } from "../../edge/web/work/measure.ts";
import { core } from "../core.ts";

test("storeRuns() gives the core what it measures as the whole image", async () => {
  const size = { height: 90, width: 70 };
  const masks = new Uint32Array(size.height * size.width);
  // labels out of order, one over a whole row, one in two parts
  const paint = (label: number, box: readonly number[]) => {
    const [y0, y1, x0, x1] = box;
    for (let y = y0; y < y1; y++) {
      masks.fill(label, y * size.width + x0, y * size.width + x1);
    }
  };
  paint(9, [3, 20, 5, 30]);
  paint(4, [10, 40, 40, 70]);
  paint(7, [50, 52, 0, 70]);
  paint(2, [60, 80, 3, 9]);
  paint(2, [60, 70, 30, 33]);
  const { ids, ...stored } = storeRuns(pack(masks), size);
  const banded = await core.measureStored({ ...stored, bandRows: 16 });
  const whole = core.measureRegions(masks, size);
  const order = [...ids].map((id) => whole.label.indexOf(id));
  expect([...ids]).toEqual([9, 4, 7, 2]);
  for (const name of ["area", "diameter", "majorAxis"] as const) {
    expect([...banded[name]]).toEqual(order.map((k) => whole[name][k]));
  }
  expect([...banded.centroid]).toEqual(
    order.flatMap((k) => [...whole.centroid.slice(2 * k, 2 * k + 2)]),
  );
  expect([...banded.box]).toEqual(
    order.flatMap((k) => [...whole.box.slice(4 * k, 4 * k + 4)]),
  );
});
