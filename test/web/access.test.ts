import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import {
  choose,
  MISSING,
  type OpenPage,
  openPage,
  waitForMessage,
} from "./browser.ts";

const AXE = readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

const PANELS = ["Segment", "See", "Correct", "Measure", "Train", "Bench"];

/** A window of each kind. */
const WINDOWS = [
  { width: 1280, height: 720, scheme: "light" },
  { width: 390, height: 844, scheme: "dark" },
] as const;

describe.skipIf(MISSING)(`page: access (${MISSING ?? "Chromium"})`, () => {
  for (const { width, height, scheme } of WINDOWS) {
    test(`${width}×${height}, ${scheme}: axe finds nothing in any panel, nothing is cut off`, async () => {
      const open = await openPage({ width, height, scheme });
      try {
        const { page } = open;
        expect(await violations(open), "empty").toEqual([]);
        await page.getByRole("button", { name: "Nuclei", exact: true })
          .click();
        await page.getByText("nuclei_2d.tif").first().waitFor();
        await page.getByRole("button", { name: "Preview", exact: true })
          .click();
        await waitForMessage(page, /\d+ cells in/);
        for (const panel of PANELS) {
          await choose(page, panel);
          await page.waitForTimeout(300);
          expect(await violations(open), panel).toEqual([]);
          const size = await page.evaluate(() => [
            document.documentElement.scrollWidth,
            document.documentElement.scrollHeight,
          ]);
          expect(size[0], panel).toBeLessThanOrEqual(width);
          expect(size[1], panel).toBeLessThanOrEqual(height);
          await open.shoot(`${width}_${panel.toLowerCase()}`);
        }
      } finally {
        await open.close();
      }
    });
  }

  test("the first view moves nothing after it is shown", async () => {
    const open = await openPage();
    try {
      const shift = await open.page.evaluate(() =>
        new Promise<number>((resolve) => {
          let sum = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) {
              sum += (entry as unknown as { value: number }).value;
            }
          }).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => resolve(sum), 800);
        })
      );
      expect(shift).toBeLessThan(0.01);
      const paint = await open.page.evaluate(() =>
        performance.getEntriesByName("first-contentful-paint")[0]?.startTime
      );
      expect(paint).toBeGreaterThan(0);
    } finally {
      await open.close();
    }
  });
});

/** What axe finds wrong: rule and place. */
async function violations({ page }: OpenPage): Promise<string[]> {
  // the page's policy lets no other script in: run it from outside
  await page.evaluate(AXE);
  return await page.evaluate(async () => {
    // deno-lint-ignore no-explicit-any
    const { axe } = globalThis as any;
    const { violations, passes } = await axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    });
    // a run that looked at nothing finds nothing
    if (passes.length < 10) return [`only ${passes.length} rules were run`];
    return violations.flatMap((
      { id, nodes }: { id: string; nodes: { html: string }[] },
    ) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
  });
}
