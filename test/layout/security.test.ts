import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string) =>
  readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** Rows of the tables of `docs/security.md`: threat, what stands against it, tests. */
const rows = read("docs/security.md").split("\n")
  .filter((line) => line.startsWith("|"))
  .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
  .filter(([first]) => first !== "threat" && !/^-+$/.test(first));

const plain = (text: string) => text.toLowerCase().replaceAll(/\s+/g, " ");

test("docs/security.md names a test for each threat", () => {
  expect(rows.length).toBeGreaterThan(30);
  for (const [threat, stands, tests] of rows) {
    expect(stands, threat).not.toBe("");
    expect(tests, threat).toMatch(/^`test\/[a-z_/.]+\.ts`: ./);
  }
});

test("every test that docs/security.md names is there", () => {
  for (const [threat, , tests] of rows) {
    for (const each of tests.split("; ")) {
      const [, file, title] = /^`([^`]+)`: (.*)$/.exec(each) ?? [];
      expect(file, `${threat}: ${each}`).toBeDefined();
      // titles of tests; a phrase of the header of other programs
      const source = plain(read(file).replaceAll(/\n \* /g, " "));
      expect(source, `${threat}: ${file}`).toContain(plain(title));
    }
  }
});
