/**
 * Requests made from the OpenAPI document, valid and not, against the service:
 * no answer of 5xx, none that the document does not tell.
 *
 *   deno task schemathesis [--examples 20] [--seed 1]
 *
 * The program is installed in `.cache/schemathesis` by the first run;
 * `CYTOEDGE_SCHEMATHESIS` names one that is there already.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { AS_LABELS, drawLabels, startTestService } from "../edge/service.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

/** What an answer must hold to. */
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
  "response_headers_conformance",
  "allow_header_conformance",
  "unsupported_method",
  "ignored_auth",
];

const { values } = parseArgs({
  options: {
    examples: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
  },
});

const program = await findProgram();
const service = await startTestService();
const server = Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen: () => {} },
  service.fetch,
);
const url = `http://127.0.0.1:${server.addr.port}`;
// ids that the program makes up, then ids of what there is
const { upload, job } = await makeThings();
const config = join(await mkdtemp(join(tmpdir(), "schemathesis-")), "st.toml");
await writeFile(
  config,
  [["/v1/uploads/", upload], ["/v1/jobs/", job]].map(([path, id]) =>
    `[[operations]]\ninclude-path-regex = "^${path}"\nparameters = { id = "${id}" }\n`
  ).join("\n"),
);
const status = await test([]) ||
  await test(["--include-path-regex", "/v1/(jobs|uploads)/"], config);
await rm(dirname(config), { recursive: true });
await server.shutdown();
await service.close();
process.exit(status);

function test(filter: string[], config?: string): Promise<number> {
  return run(program, [
    ...(config === undefined ? [] : ["--config-file", config]),
    ...["run", `${url}/openapi.json`, ...filter],
    ...["--header", `Authorization: Bearer ${service.key}`],
    ...["--checks", CHECKS.join(",")],
    ...["--phases", "examples,coverage,fuzzing"],
    ...["--max-examples", values.examples, "--seed", values.seed],
    ...["--request-timeout", "20", "--no-shrink"],
    ...["--suppress-health-check", "all", "--continue-on-failure"],
  ]);
}

async function makeThings(): Promise<{ upload: string; job: string }> {
  const upload = await service.upload("cells.png", drawLabels().png);
  const { body } = await service.call("POST", "/v1/jobs", {
    json: { images: [{ upload }], parameters: AS_LABELS },
  });
  await service.finish(body.id);
  return { upload, job: body.id };
}

async function findProgram(): Promise<string> {
  const named = process.env.CYTOEDGE_SCHEMATHESIS;
  if (named !== undefined) return named;
  const home = join(PROJECT, ".cache", "schemathesis");
  const bin = join(home, "bin");
  const found = join(bin, "schemathesis");
  if (existsSync(found)) return found;
  const requirements = fileURLToPath(
    new URL("requirements.txt", import.meta.url),
  );
  const made = await run("python3", ["-m", "venv", home]);
  const installed = made === 0 &&
    await run(join(bin, "python"), [
        ...["-m", "pip", "install", "--quiet", "--disable-pip-version-check"],
        ...["-r", requirements],
      ]) === 0;
  if (!installed) throw new Error("schemathesis cannot be installed");
  return found;
}

async function run(program: string, args: string[]): Promise<number> {
  const child = spawn(program, args, {
    stdio: ["ignore", "inherit", "inherit"],
    // it leaves a folder where it runs
    cwd: tmpdir(),
  });
  const [code] = await once(child, "close");
  return code ?? 1;
}
