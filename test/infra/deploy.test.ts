/**
 * The configuration of Deno Deploy, and what its entry loads there.
 */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { z } from "zod";
import config from "../../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (name: string) => readFileSync(join(ROOT, "infra", name), "utf8");

/** Source: Deno Deploy's reference, "App configuration", dynamic apps. */
const Deploy = z.strictObject({
  org: z.string(),
  app: z.string(),
  install: z.string(),
  build: z.string(),
  predeploy: z.string().optional(),
  // any other value, and the platform ignores all of it
  buildTimeout: z.union([
    z.int().min(60),
    z.string().regex(/^[1-9]\d*[smh]$/),
  ]).optional(),
  runtime: z.strictObject({
    type: z.literal("dynamic"),
    entrypoint: z.string().regex(/^\.\/.+\.ts$/),
    args: z.array(z.string()).optional(),
    cwd: z.string().optional(),
    memoryLimit: z.int().min(768).max(4096).optional(),
  }),
});

test("deno_deploy.json fits its form, starts an entry that is there", () => {
  const { deploy, ...rest } = JSON.parse(read("deno_deploy.json"));
  expect(rest).toEqual({});
  const { runtime, build, install } = Deploy.parse(deploy);
  expect(existsSync(join(ROOT, runtime.entrypoint))).toBe(true);
  expect([install, build]).toEqual([
    "deno install --frozen",
    "deno task build",
  ]);
  expect("build" in config.tasks).toBe(true);
});

test("the entry of Deno Deploy loads no native code, its graph is whole", async () => {
  const { deploy } = JSON.parse(read("deno_deploy.json"));
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...["info", "--json", deploy.runtime.entrypoint],
  ], { cwd: ROOT, maxBuffer: 2 ** 26 });
  const { modules, npmPackages } = JSON.parse(stdout) as Graph;
  expect(modules.filter(({ error }) => error !== undefined)).toEqual([]);
  const halves = modules.map(({ specifier }) => specifier)
    .filter((each) => /\/(gpu-worker|cli)\//.test(each));
  expect(halves).toEqual([]);

  // what its packages need, too
  const found = new Set(modules.flatMap(({ npmPackage = [] }) => npmPackage));
  for (const id of found) {
    for (const each of npmPackages[id].dependencies) found.add(each);
  }
  expect([...found].some((id) => id.startsWith("hono@"))).toBe(true);
  const addons = [...found].flatMap((id) =>
    readdirSync(npmPackages[id].localPath, { recursive: true })
      .map((file) => `${id}/${file}`).filter((file) => file.endsWith(".node"))
  );
  expect(addons).toEqual([]);
});

/** What `deno info --json` says. */
interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly npmPackage?: string;
    readonly error?: string;
  }[];
  readonly npmPackages: Readonly<
    Record<string, { dependencies: string[]; localPath: string }>
  >;
}
