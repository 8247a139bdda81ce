/**
 * What cannot be run here, checked by its own tools: containers by hadolint
 * and a parser of Dockerfiles, the compose file by the Compose Specification,
 * the bucket's settings by the AWS command line's library and an S3 server.
 */
import {
  PutBucketCorsCommand,
  PutBucketPolicyCommand,
} from "@aws-sdk/client-s3";
import { DCLinter } from "dclint";
import { validate } from "dockerfile-utils";
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../shared/storage/s3/client.ts";
import { S3_SERVER } from "../servers/programs.ts";
import { startS3 } from "../servers/s3.ts";

const INFRA = fileURLToPath(new URL("../../infra/", import.meta.url));
const PROGRAMS = join(homedir(), ".cache", "cytoedge", "infra", "bin");
const [HADOLINT, PYTHON] = ["hadolint", "python"]
  .map((name) => join(PROGRAMS, name));
const CONTAINERS = ["edge.Containerfile", "worker.Containerfile"];

const run = promisify(execFile);
const read = (name: string) => readFileSync(join(INFRA, name), "utf8");

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "cytoedge-infra-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file of this text. */
function made(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const messagesOf = (text: string) =>
  validate(text).map(({ message }) => message);

test.each(CONTAINERS)("dockerfile-utils finds nothing in %s", (name) => {
  expect(messagesOf(read(name))).toEqual([]);
});

test("dockerfile-utils finds what is wrong", () => {
  expect(messagesOf("FROM a:1\nSTOPSIGNAL NOPE\nRUNN x")).toEqual([
    "Invalid signal: NOPE",
    "Unknown instruction: RUNN",
  ]);
});

/** Codes of what hadolint says, from warnings on. */
async function hadolint(path: string): Promise<string[]> {
  const { stdout } = await run(HADOLINT, [
    ...["--no-fail", "--format", "json", path],
  ]);
  const found = JSON.parse(stdout) as { code: string; level: string }[];
  return found.filter(({ level }) => ["error", "warning"].includes(level))
    .map(({ code }) => code);
}

test.skipIf(!existsSync(HADOLINT)).each(CONTAINERS)(
  "hadolint finds nothing in %s",
  async (name) => expect(await hadolint(join(INFRA, name))).toEqual([]),
);

test.skipIf(!existsSync(HADOLINT))("hadolint finds what is wrong", async () => {
  const path = made("Containerfile", "FROM debian\nRUN sudo x\n");
  // no version, sudo
  expect(await hadolint(path)).toEqual(["DL3006", "DL3004"]);
});

/** Rules of style are left to the formatter. */
const LINTER = new DCLinter({
  rules: Object.fromEntries(
    [
      "service-keys-order",
      "services-alphabetical-order",
      "service-dependencies-alphabetical-order",
      "service-ports-alphabetical-order",
      "top-level-properties-order",
      "no-quotes-in-volumes",
      "require-quotes-in-ports",
    ].map((rule) => [rule, 0]),
  ),
  ...{ quiet: true, debug: false, exclude: [] },
});

const lintCompose = (path: string) =>
  LINTER.lintFiles([path], false).flatMap(({ messages }) => messages)
    .map(({ rule, message }) => `${rule}: ${message}`);

test("dclint finds nothing in compose.yaml, by the Compose Specification", () => {
  // as it is once variables are put in
  const text = read("compose.yaml")
    .replaceAll(/\$\{\w+:-([^}]*)\}/g, "$1")
    .replaceAll(/\$\{\w+:\?[^}]*\}/g, "given");
  expect(lintCompose(made("whole.yaml", text))).toEqual([]);
});

test("dclint finds what is wrong", () => {
  const path = made(
    "compose.yaml",
    "name: a\nservices:\n  a:\n    image: a:1\n    prots: [a]\n",
  );
  expect(lintCompose(path)).toHaveLength(1);
  expect(lintCompose(path)[0]).toMatch(/^invalid-schema: .*services\/a/);
});

/** What the AWS command line would say; nothing where it would send it. */
async function checkBucket(
  [operation, member]: readonly string[],
  path: string,
): Promise<string> {
  const script = fileURLToPath(new URL("check_bucket.py", import.meta.url));
  const { stdout } = await run(PYTHON, [script, operation, member, path]);
  return stdout.trim();
}

const LIFECYCLE = [
  "PutBucketLifecycleConfiguration",
  "LifecycleConfiguration",
];

test.skipIf(!existsSync(PYTHON)).each([
  ["bucket_lifecycle.json", LIFECYCLE],
  ["bucket_cors.json", ["PutBucketCors", "CORSConfiguration"]],
])("botocore takes %s", async (name, operation) => {
  expect(await checkBucket(operation, join(INFRA, name))).toBe("");
});

test.skipIf(!existsSync(PYTHON))("botocore finds what is wrong", async () => {
  const path = made("lifecycle.json", '{"Rules":[{"Id":"a"}]}');
  const said = await checkBucket(LIFECYCLE, path);
  expect(said).toContain("Missing required parameter");
  expect(said).toContain(
    'Unknown parameter in LifecycleConfiguration.Rules[0]: "Id"',
  );
});

test.skipIf(S3_SERVER === undefined)(
  "an S3 server takes the bucket's policy and CORS, and no broken policy",
  async () => {
    const server = await startS3();
    const { bucket: Bucket, endpoint } = server.options;
    const client = connect(server.options, endpoint);
    try {
      const CORSConfiguration = JSON.parse(read("bucket_cors.json"));
      await client.send(
        new PutBucketCorsCommand({ Bucket, CORSConfiguration }),
      );
      // the server knows no roles of AWS, and no conditions
      const { Statement, ...policy } = JSON.parse(
        read("bucket_policy.json").replaceAll(":::cytoedge", `:::${Bucket}`),
      );
      const known = Statement.map((
        { Condition: _, ...each }: Record<string, unknown>,
      ) => ({ ...each, Principal: "*" }));
      const put = (statements: readonly unknown[]) =>
        client.send(
          new PutBucketPolicyCommand({
            Bucket,
            Policy: JSON.stringify({ ...policy, Statement: statements }),
          }),
        );
      await put(known);
      const broken = { ...known[1], Action: "s3:GetObjects" };
      await expect(put([broken])).rejects.toThrow(/action/i);
    } finally {
      client.destroy();
      await server.remove();
    }
  },
);
