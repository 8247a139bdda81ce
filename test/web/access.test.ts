import { describe, expect, test } from "vitest";
import { violations, WINDOWS } from "./axe.ts";
import { choose, MISSING, openPage, waitForMessage } from "./browser.ts";

const PANELS = ["Segment", "See", "Correct", "Measure", "Train", "Bench"];

describe.skipIf(MISSING)(`page: access (${MISSING ?? "Chromium"})`, () => {
  for (const { width, height, scheme } of WINDOWS) {
    test(`${width}×${height}, ${scheme}: axe finds nothing in any panel, nothing is cut off`, async () => {
      const open = await openPage({ width, height, scheme });
      try {
        const { page } = open;
        expect(await violations(page), "empty").toEqual([]);
        await page.getByRole("button", { name: "Nuclei", exact: true })
          .click();
        await page.getByText("nuclei_2d.tif").first().waitFor();
        await page.getByRole("button", { name: "Preview", exact: true })
          .click();
        await waitForMessage(page, /\d+ cells in/);
        for (const panel of PANELS) {
          await choose(page, panel);
          await page.waitForTimeout(300);
          expect(await violations(page), panel).toEqual([]);
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
