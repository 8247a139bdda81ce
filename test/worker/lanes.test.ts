import { expect, test } from "vitest";
import { createLanes } from "../../gpu-worker/lanes.ts";

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => open = resolve);
  return { open, opened };
}

test("createLanes() runs at most so many pieces at a time", async () => {
  const lanes = createLanes(2);
  const gates = [gate(), gate(), gate()];
  let [running, most] = [0, 0];
  const starts = gates.map(({ opened }) =>
    lanes.start(async () => {
      most = Math.max(most, ++running);
      await opened;
      running--;
    })
  );
  for (const { open } of gates) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    open();
  }
  await Promise.all(starts);
  await lanes.end();
  expect([running, most]).toEqual([0, 2]);
});

test("createLanes() tells the first failure, after all have ended", async () => {
  const lanes = createLanes(2);
  const { open, opened } = gate();
  let isEnded = false;
  await lanes.start(async () => {
    await opened;
    isEnded = true;
  });
  await lanes.start(() => Promise.reject(new Error("first")));
  setTimeout(open, 0);
  await expect(lanes.end()).rejects.toThrow("first");
  expect(isEnded).toBe(true);
  await expect(lanes.start(() => Promise.resolve())).rejects.toThrow("first");
});
