import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import config from "../../deno.json" with { type: "json" };
import { VARIABLES } from "../../shared/connect/settings.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (name: string) => readFileSync(join(ROOT, "infra", name), "utf8");
const FILES = ["edge.Containerfile", "worker.Containerfile"];

/** An instruction of a Containerfile, its lines joined. */
interface Instruction {
  readonly name: string;
  readonly rest: string;
}

function instructions(text: string): Instruction[] {
  return text.replaceAll(/^\s*#.*$/gm, "").replaceAll(/\\\n/g, " ")
    .split("\n").map((line) => line.trim()).filter((line) => line !== "")
    .map((line) => {
      const [name, ...rest] = line.split(/\s+/);
      return { name, rest: rest.join(" ") };
    });
}

/** What hadolint would say of what matters here. */
function faults(text: string): string[] {
  const all = instructions(text);
  const last = all.findLastIndex(({ name }) => name === "FROM");
  const final = all.slice(last);
  const found: string[] = [];
  const known = new Set<string>();
  for (const { name, rest } of all) {
    if (!/^[A-Z]+$/.test(name)) found.push(`${name} is no instruction`);
    if (name === "ADD") found.push("ADD is used");
    if (/\bsudo\b|curl[^|]*\|/.test(rest)) found.push(`${name} ${rest}`);
    if (name === "RUN" && /apt-get install/.test(rest)) {
      if (!/--no-install-recommends/.test(rest)) found.push("recommends");
    }
    if (name === "FROM") {
      const [image, , alias] = rest.split(" ");
      if (!known.has(image) && !/^[\w.-]+\.[a-z]+\/.+:[\w.-]*\d/.test(image)) {
        found.push(`${image} has no registry or no version`);
      }
      if (alias) known.add(alias);
    }
    const from = /--from=(\S+)/.exec(rest)?.[1];
    if (from && !known.has(from)) found.push(`no stage ${from}`);
  }
  const user = final.filter(({ name }) => name === "USER").at(-1)?.rest;
  if (user === undefined || ["root", "0"].includes(user)) found.push("is root");
  for (const name of ["HEALTHCHECK", "CMD", "EXPOSE", "STOPSIGNAL"]) {
    const rest = final.filter((each) => each.name === name);
    if (rest.length !== 1) found.push(`${rest.length} ${name}`);
  }
  const command = final.find(({ name }) => name === "CMD")?.rest ?? "[]";
  // a shell would keep SIGTERM to itself
  if (!Array.isArray(JSON.parse(command))) found.push("CMD is no list");
  return found;
}

test.each(FILES)("%s is pinned, not root, healthy, without a shell", (name) => {
  expect(faults(read(name))).toEqual([]);
});

test("faults of a Containerfile are found", () => {
  expect(faults("FROM debian\nADD . /\nCMD []")).toEqual([
    "debian has no registry or no version",
    "ADD is used",
    "is root",
    "0 HEALTHCHECK",
    "0 EXPOSE",
    "0 STOPSIGNAL",
  ]);
});

test.each(FILES)(
  "%s runs an entry that is there, with our variables",
  (name) => {
    const all = instructions(read(name));
    const command = JSON.parse(
      all.findLast(({ name }) => name === "CMD")!.rest,
    );
    expect(existsSync(join(ROOT, command.at(-1)))).toBe(true);
    const used = [...read(name).matchAll(/CYTOEDGE_\w+/g)].map(([each]) =>
      each
    );
    expect(used.filter((each) => !(each in VARIABLES))).toEqual([]);
    expect(existsSync(join(ROOT, "infra", `${name}.dockerignore`))).toBe(true);
  },
);

test("the worker's CUDA libraries are of the runtime's version", () => {
  const version = /onnxruntime-node@([\d.]+)/.exec(
    config.imports["onnxruntime-node"],
  )?.[1];
  expect(read("worker.Containerfile")).toContain(`onnxruntime-node@${version}`);
  expect(read("worker.Containerfile")).toMatch(/nvidia\/cuda:12\.\S*-cudnn-/);
  // the versions of Deno are one
  const deno = FILES.flatMap((name) =>
    [...read(name).matchAll(/denoland\/deno:\w+-([\d.]+)/g)].map(([, v]) => v)
  );
  expect(new Set(deno).size).toBe(1);
  const docs = readFileSync(join(ROOT, "docs", "dependencies.md"), "utf8");
  expect(docs).toMatch(new RegExp(`\\| deno +\\| ${deno[0]} `));
});

const Service = z.strictObject({
  image: z.string().regex(/^[\w.-]+\.io\/.+:v?\d/).optional(),
  build: z.strictObject({ context: z.string(), dockerfile: z.string() })
    .optional(),
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  depends_on: z.union([
    z.array(z.string()),
    z.record(
      z.string(),
      z.strictObject({
        condition: z.enum([
          "service_started",
          "service_healthy",
          "service_completed_successfully",
        ]),
      }),
    ),
  ]).optional(),
  ports: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  restart: z.enum(["unless-stopped", "no"]).optional(),
  stop_grace_period: z.string().regex(/^\d+[sm]$/).optional(),
  read_only: z.boolean().optional(),
  tmpfs: z.array(z.string()).optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  deploy: z.unknown().optional(),
}).refine((service) => !service.image !== !service.build, "image or build");

const Compose = z.looseObject({
  name: z.string(),
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.null()),
});

test("compose.yaml fits its form; what it refers to is there", () => {
  const compose = Compose.parse(parse(read("compose.yaml"), { merge: true }));
  const { services, volumes } = compose;
  for (const [name, service] of Object.entries(services)) {
    const { depends_on: needs = [], build } = service;
    for (const other of Array.isArray(needs) ? needs : Object.keys(needs)) {
      expect(Object.keys(services), name).toContain(other);
    }
    if (build) {
      expect(existsSync(join(ROOT, "infra", build.context, build.dockerfile)))
        .toBe(true);
      // ours run without any right they do not need
      expect(service).toMatchObject({ read_only: true, cap_drop: ["ALL"] });
    }
    for (const volume of service.volumes ?? []) {
      const [from] = volume.split(":");
      if (from.startsWith("./")) {
        expect(existsSync(join(ROOT, "infra", from))).toBe(true);
      } else expect(Object.keys(volumes)).toContain(from);
    }
    const own = Object.keys(service.environment ?? {})
      .filter((each) => each.startsWith("CYTOEDGE_"));
    expect(own.filter((each) => !(each in VARIABLES))).toEqual([]);
    // secrets come from outside, and must be given
    for (const [key, value] of Object.entries(service.environment ?? {})) {
      if (/TOKEN|SECRET|PASSWORD/.test(key)) {
        expect(value, key).toMatch(/^\$\{\w+:\?/);
      }
    }
  }
  const asked = [...read("compose.yaml").matchAll(/\$\{(\w+)/g)]
    .map(([, name]) => name);
  const given = [...read("example.env").matchAll(/^(\w+)=/gm)]
    .map(([, name]) => name);
  expect(new Set(given)).toEqual(new Set(asked));
});

const Policy = z.strictObject({
  Version: z.literal("2012-10-17"),
  Statement: z.array(z.strictObject({
    Sid: z.string().regex(/^\w+$/),
    Effect: z.enum(["Allow", "Deny"]),
    Principal: z.union([
      z.literal("*"),
      z.strictObject({
        AWS: z.array(z.string().regex(/^arn:aws:iam::\d{12}:role\//)),
      }),
    ]),
    Action: z.union([z.string(), z.array(z.string())]),
    Resource: z.union([z.string(), z.array(z.string())]),
    Condition: z.record(z.string(), z.record(z.string(), z.string()))
      .optional(),
  })),
});

test("bucket_policy.json allows what the store uses, to nobody else", () => {
  const { Statement } = Policy.parse(JSON.parse(read("bucket_policy.json")));
  const allowed = Statement.filter(({ Effect }) => Effect === "Allow");
  for (const { Principal, Action } of allowed) {
    expect(Principal).not.toBe("*");
    expect([Action].flat().filter((each) => each.includes("*"))).toEqual([]);
  }
  expect(allowed.flatMap(({ Action }) => Action).sort()).toEqual([
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
  ]);
  expect(Statement).toContainEqual(
    expect.objectContaining({
      Effect: "Deny",
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    }),
  );
});

test("lifecycle and CORS of the bucket fit their form", () => {
  const Lifecycle = z.strictObject({
    Rules: z.array(z.strictObject({
      ID: z.string(),
      Status: z.literal("Enabled"),
      Filter: z.strictObject({ Prefix: z.string() }),
      AbortIncompleteMultipartUpload: z.strictObject({
        DaysAfterInitiation: z.int().min(1),
      }),
    })).min(1),
  });
  Lifecycle.parse(JSON.parse(read("bucket_lifecycle.json")));
  const Cors = z.strictObject({
    CORSRules: z.array(z.strictObject({
      AllowedOrigins: z.array(z.url()).min(1),
      AllowedMethods: z.array(z.enum(["GET", "PUT"])),
      AllowedHeaders: z.array(z.string()),
      ExposeHeaders: z.array(z.string()),
      MaxAgeSeconds: z.int(),
    })).min(1),
  });
  Cors.parse(JSON.parse(read("bucket_cors.json")));
});
