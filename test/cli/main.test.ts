import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { unpack } from "../conformance/unpack.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** Run the command line as a caller in `cwd` does. */
function run(args: string[], cwd = process.cwd()) {
  const result = spawnSync(process.execPath, ["run", "-A", MAIN, ...args], {
    encoding: "utf8",
    env: { ...process.env, INIT_CWD: cwd, NO_COLOR: "1" },
  });
  const lines = (text: string) => text.split("\n").filter(Boolean);
  return {
    code: result.status,
    out: lines(result.stdout),
    errors: lines(result.stderr),
  };
}

test.each([
  [["frobnicate"], /unknown command 'frobnicate'/],
  [["info", "--frobnicate"], /unknown option '--frobnicate'/],
  [["conformance"], /missing required argument/],
  [["conformance", "a", "b"], /too many arguments/],
])("wrong usage %j is one line and exit code 2", (args, line) => {
  const { code, out, errors } = run(args);
  expect(code).toBe(2);
  expect(out).toEqual([]);
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatch(line);
});

test("an error of the system is told in words", () => {
  const { code, errors } = run(["info", "/not/there.tif"]);
  expect([code, errors]).toEqual([1, ["error: /not/there.tif is not there"]]);
});

test("info prints version, core and runtime", () => {
  const { code, out } = run(["info", "--json"]);
  expect(code).toBe(0);
  const [version] = run(["--version"]).out;
  expect(JSON.parse(out.join("\n"))).toMatchObject({ version, simd: true });
});

test("conformance resolves DIR where it was called, counts in its last line", () => {
  const folder = unpack(["holes/diagonal_15", "holes/tiny"]);
  const { code, out } = run(["conformance", "."], folder);
  rmSync(folder, { recursive: true });
  expect(code).toBe(0);
  expect(out).toHaveLength(3);
  expect(out.slice(0, 2).every((line) => line.startsWith("PASS "))).toBe(true);
  expect(out[2]).toBe("2 cases, 0 failed");
});

test("conformance --json prints one object and exits 1 where a case fails", () => {
  const folder = unpack(["holes/diagonal_15", "holes/tiny"]);
  writeFileSync(join(folder, "holes/tiny/out.npy"), "");
  const { code, out } = run(["conformance", folder, "--json"]);
  rmSync(folder, { recursive: true });
  expect(code).toBe(1);
  expect(JSON.parse(out.join("\n"))).toMatchObject({
    cases: 2,
    failed: 1,
    results: [{ status: "PASS" }, { case: "holes/tiny", status: "FAIL" }],
  });
});

test("conformance exits 1 for an empty folder and for none", () => {
  const folder = mkdtempSync(join(tmpdir(), "conformance-"));
  const empty = run(["conformance", folder]);
  rmSync(folder, { recursive: true });
  expect([empty.code, empty.out]).toEqual([1, ["0 cases, 0 failed"]]);
  const none = run(["conformance", folder]);
  expect(none.code).toBe(1);
  expect(none.errors).toHaveLength(1);
});
