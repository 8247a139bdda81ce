import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PAGES = [
  ...readdirSync(ROOT).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(ROOT, "docs"), { recursive: true })
    .map((name) => `docs/${name}`).filter((name) => name.endsWith(".md")),
];

test.each(PAGES)("links and pictures of %s exist", (page) => {
  const text = readFileSync(join(ROOT, page), "utf8");
  expect(brokenLinks(text, dirname(page))).toEqual([]);
});

test("a broken link is found", () => {
  expect(brokenLinks("[a](nowhere.md) ![b](LICENSE) [c](#d)", ".")).toEqual([
    "nowhere.md",
  ]);
});

test("the README fits on a few screens and says how to begin", () => {
  const text = readFileSync(join(ROOT, "README.md"), "utf8");
  expect(text.split("\n").length).toBeLessThanOrEqual(200);
  for (const command of ["task demo", "task test"]) {
    expect(text.slice(0, 1500)).toContain(`npx --yes deno ${command}`);
  }
});

/** Relative targets of links and pictures that are not there. */
function brokenLinks(text: string, folder: string): string[] {
  const prose = text.replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target.replace(/#.*$/, ""))
    .filter((target) => target !== "" && !/^[a-z]+:/.test(target))
    .filter((target) => !existsSync(join(ROOT, folder, target)));
}
