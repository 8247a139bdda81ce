import { expect, test } from "vitest";
import { importsOf, parse, readSources, type SourceFile } from "./sources.ts";

/**
 * Who may import whom; the first area whose prefix fits a file is its own.
 *
 * `may` holds prefixes of project paths and of package names. An area may
 * always import itself.
 */
const AREAS: { readonly area: string; readonly may: readonly string[] }[] = [
  { area: "wasm/assembly/", may: [] },
  { area: "wasm/build", may: ["wasm/", "*"] },
  // examples for other runtimes import the built package
  { area: "wasm/embed/", may: ["wasm/", "*"] },
  { area: "wasm/", may: ["shared/errors.ts", "shared/ndarray.ts", "node:"] },
  ...["shared/errors.ts", "shared/ndarray.ts", "shared/log.ts"].map((area) => ({
    area,
    may: ["shared/errors.ts", "shared/ndarray.ts"],
  })),
  // the one place that spells the version
  { area: "shared/version.ts", may: ["deno.json"] },
  { area: "shared/schema/", may: ["zod", "wasm/defaults.ts"] },
  ...["image", "storage", "queue", "net"].map((name) => `shared/${name}/`).map((
    area,
  ) => ({
    area,
    may: ["shared/errors.ts", "shared/ndarray.ts", "shared/schema/", "*"],
  })),
  {
    area: "shared/connect/",
    may: [
      ...["errors.ts", "version.ts", "queue/", "storage/"].map((name) =>
        `shared/${name}`
      ),
      "zod",
      "node:",
    ],
  },
  {
    area: "shared/synthetic/",
    may: ["shared/errors.ts", "shared/ndarray.ts", "wasm/mod.ts"],
  },
  { area: "shared/graph/", may: ["shared/errors.ts", "*"] },
  {
    area: "shared/pipeline/",
    may: [
      "shared/errors.ts",
      "shared/ndarray.ts",
      "shared/schema/",
      "shared/image/",
      "wasm/mod.ts",
      "node:",
    ],
  },
  {
    area: "shared/models/",
    may: [
      "shared/errors.ts",
      "shared/schema/",
      "shared/pipeline/",
      "onnxruntime-web",
      "node:",
    ],
  },
  { area: "gpu-worker/", may: ["shared/", "wasm/mod.ts", "*"] },
  {
    area: "edge/web/",
    may: [
      ...["schema", "image", "pipeline", "models", "synthetic"].map((name) =>
        `shared/${name}/`
      ),
      "shared/errors.ts",
      "shared/ndarray.ts",
      "wasm/mod.ts",
      "edge/app.ts",
      "*",
    ],
  },
  { area: "edge/", may: ["shared/", "wasm/mod.ts", "*"] },
  {
    area: "cli/",
    may: [
      ...["shared/", "wasm/", "gpu-worker/", "edge/", "deno.json", "*"],
      // `report` runs them
      "test/experiments/",
    ],
  },
  // scripts that users start: the typed client and nothing else of ours
  { area: "examples/", may: ["edge/client.ts", "*"] },
  { area: "test/", may: ["", "*"] },
  { area: "vitest.config.ts", may: ["*"] },
];

/** Packages that one area only may import, wherever `*` stands. */
const RESERVED: Readonly<Record<string, readonly string[]>> = {
  "onnxruntime-node": ["gpu-worker/", "cli/", "test/"],
  "@aws-sdk/client-s3": ["shared/storage/", "test/"],
  "@aws-sdk/s3-request-presigner": ["shared/storage/", "test/"],
  "@nats-io/jetstream": ["shared/queue/", "test/"],
  "@nats-io/kv": ["shared/queue/", "test/"],
  "@nats-io/transport-node": ["shared/queue/", "test/"],
  "node:sqlite": ["shared/queue/", "test/"],
  "onnxruntime-web": ["shared/models/", "edge/web/", "cli/", "test/"],
};

/** Entry files and tools: they read the environment and use `Deno.*`. */
const ENTRIES = [
  /^cli\/[a-z_]+\.ts$/,
  /^wasm\/build[a-z_]*\.ts$/,
  /^wasm\/embed\//,
  /^(edge|gpu-worker)\/main\.ts$/,
  /^examples\//,
  /^test\//,
];

/** Names that say nothing about what a file does. */
const VAGUE = /(^|[/_.-])(utils?|helpers?|commons?|misc)([/_.-]|$)/;

const sources = readSources();

test("imports keep to the table of who may import whom", () => {
  expect(sources.flatMap(wrongImports)).toEqual([]);
});

test("imports outside the table are found", () => {
  const wrong = (path: string, text: string) =>
    wrongImports(parse(path, text)).length;
  expect(wrong("wasm/masks.ts", 'import "../shared/image/npy.ts";')).toBe(1);
  expect(wrong("wasm/masks.ts", 'import "zod";')).toBe(1);
  expect(wrong("wasm/masks.ts", 'import "../shared/errors.ts";')).toBe(0);
  expect(wrong("wasm/assembly/heat.ts", 'import { a } from "../x";')).toBe(1);
  expect(wrong("shared/image/a.ts", 'import "../queue/b.ts";')).toBe(1);
  expect(wrong("edge/app.ts", 'await import("../gpu-worker/a.ts");')).toBe(1);
  expect(wrong("edge/app.ts", 'import "onnxruntime-node";')).toBe(1);
  expect(wrong("cli/a.ts", 'import "../edge/web/b.ts";')).toBe(1);
  expect(wrong("elsewhere/a.ts", "")).toBe(1);
});

test("imports form no cycle", () => {
  expect(findCycle(sources)).toEqual([]);
});

test("a cycle of imports is found", () => {
  const ring = [
    parse("a.ts", 'import "./b.ts";'),
    parse("b.ts", 'import "./c.ts";'),
    parse("c.ts", 'import "./a.ts";'),
  ];
  expect(findCycle(ring)).toEqual(["a.ts", "b.ts", "c.ts", "a.ts"]);
  expect(findCycle(ring.slice(1))).toEqual([]);
});

test("Deno.* and the environment are used in entry files only", () => {
  const wrong = sources
    .filter(({ path }) => !ENTRIES.some((entry) => entry.test(path)))
    .filter(({ path }) => !path.startsWith("wasm/assembly/"))
    .filter(({ text }) =>
      /\bDeno\.[a-zA-Z]|\bprocess\.env\b/.test(withoutComments(text))
    );
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

test("no file is named for being a leftover", () => {
  const vague = sources.map(({ path }) => path).filter((p) => VAGUE.test(p));
  expect(vague).toEqual([]);
  expect(
    ["a/util.ts", "a/helpers/b.ts", "my_common.ts"].every((p) => VAGUE.test(p)),
  ).toBe(true);
  expect(VAGUE.test("cli/command.ts")).toBe(false);
});

function wrongImports(source: SourceFile): string[] {
  const own = AREAS.find(({ area }) => source.path.startsWith(area));
  if (own === undefined) return [`${source.path} is in no area of the table`];
  return importsOf(source)
    .filter((target) => !isAllowed(target, own))
    .map((target) => `${source.path} imports ${target}`);
}

function isAllowed(
  target: string,
  { area, may }: { area: string; may: readonly string[] },
): boolean {
  const reserved = RESERVED[target];
  if (reserved && !reserved.includes(area)) return false;
  const isFile = /^[\w.-]+\/.*\.(tsx?|js|json)$|^[\w.-]+\.(ts|json)$/.test(
    target,
  ) && !target.startsWith("@");
  // the page's folder is closed to all but itself
  if (
    target.startsWith("edge/web/") && !["edge/web/", "test/"].includes(area)
  ) {
    return area === "edge/";
  }
  return target.startsWith(area) ||
    may.some((prefix) => prefix === "*" ? !isFile : target.startsWith(prefix));
}

/** Paths of one cycle, its first file also last; empty if there is none. */
function findCycle(files: readonly SourceFile[]): string[] {
  const graph = new Map(files.map((file) => [file.path, importsOf(file)]));
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): string[] => {
    if (trail.includes(path)) {
      return [...trail.slice(trail.indexOf(path)), path];
    }
    if (done.has(path)) return [];
    done.add(path);
    for (const next of graph.get(path) ?? []) {
      const cycle = visit(next, [...trail, path]);
      if (cycle.length > 0) return cycle;
    }
    return [];
  };
  for (const path of graph.keys()) {
    const cycle = visit(path, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\/\/.*$/gm, "");
}
