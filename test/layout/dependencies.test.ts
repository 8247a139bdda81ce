import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import config from "../../deno.json" with { type: "json" };

test("docs/dependencies.md lists every package at its pinned version", () => {
  const docs = readFileSync(
    new URL("../../docs/dependencies.md", import.meta.url),
    "utf8",
  );
  const listed = docs.split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map(([, name, version]) => `${name}@${version}`);
  const pinned = Object.values(config.imports).map((specifier) => {
    const [, name, version] =
      /^npm:((?:@[^/]+\/)?[^@/]+)@([^/]+)/.exec(specifier) ?? [];
    return `${name}@${version}`;
  });
  expect(pinned.filter((item) => !/@\d+\.\d+\.\d+/.test(item))).toEqual([]);
  expect(pinned.filter((item) => !listed.includes(item))).toEqual([]);
});
