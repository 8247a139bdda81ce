/** What axe finds in the page, in windows and colors of each kind. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import type { OpenPage } from "./browser.ts";

const AXE = readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

/** A window of each kind. */
export const WINDOWS = [
  { width: 1280, height: 720, scheme: "light" },
  { width: 390, height: 844, scheme: "dark" },
] as const;

/**
 * What is wrong with the page as it is, in all windows and both schemes;
 * pictures are taken under a name.
 */
export async function violationsEverywhere(
  open: OpenPage,
  name: string,
): Promise<string[]> {
  const { page } = open;
  const before = page.viewportSize();
  const found: string[] = [];
  for (const { width, height } of WINDOWS) {
    for (const scheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme });
      await page.waitForTimeout(200);
      const at = `${width} ${scheme}`;
      found.push(...(await violations(page)).map((each) => `${at}: ${each}`));
      const wide = await page.evaluate(() =>
        document.documentElement.scrollWidth
      );
      if (wide > width) found.push(`${at}: ${wide} pixels wide`);
      await open.shoot(`${name}_${width}_${scheme}`);
    }
  }
  if (before) await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: "light" });
  return found;
}

/** What axe finds wrong: rule and place. */
export async function violations(page: Page): Promise<string[]> {
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
