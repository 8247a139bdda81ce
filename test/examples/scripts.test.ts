/**
 * The scripts of `examples/` against a service; one whose interpreter or
 * library is missing is skipped by name.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeLabels } from "../../shared/image/read_labels.ts";
import {
  AS_LABELS,
  drawLabels,
  startTestService,
  type TestService,
} from "../edge/service.ts";

const PATIENT = 120_000;
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "scripts-"));
const { png, labels } = drawLabels({ cells: 6 });
/** What the file peers are compared with has requests, too. */
const PEERS = join(homedir(), ".cache/cytoedge/files/bin/python");

const works = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0;
const python = [PEERS, "python3"].find((each) =>
  works(each, "-c", "import requests")
);

const SCRIPTS = [
  {
    name: "segment.sh (curl and jq)",
    command: ["bash", "examples/segment.sh"],
    isHere: works("curl", "--version") && works("jq", "--version"),
  },
  {
    name: "segment.ts (Deno)",
    command: [process.execPath, "run", "-A", "examples/segment.ts"],
    isHere: true,
  },
  {
    name: "segment.py (Python with requests)",
    command: [python ?? "python3", "examples/segment.py"],
    isHere: python !== undefined,
  },
  {
    name: "segment.R (R with httr2 and jsonlite)",
    command: ["Rscript", "examples/segment.R"],
    isHere: works("Rscript", "-e", "library(httr2); library(jsonlite)"),
  },
];

let service: TestService;
let server: Deno.HttpServer<Deno.NetAddr>;

beforeAll(async () => {
  service = await startTestService();
  server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    service.fetch,
  );
  writeFileSync(join(folder, "six cells.png"), png);
});
afterAll(async () => {
  await server.shutdown();
  await service.close();
  rmSync(folder, { recursive: true });
});

function run(command: readonly string[], more: readonly string[]) {
  const child = spawn(command[0], [...command.slice(1), ...more], {
    cwd: ROOT,
    env: {
      ...process.env,
      CYTOEDGE_URL: `http://127.0.0.1:${server.addr.port}`,
      CYTOEDGE_KEY: service.key,
    },
  });
  let [out, error] = ["", ""];
  child.stdout.on("data", (bytes) => out += bytes);
  child.stderr.on("data", (bytes) => error += bytes);
  return new Promise<{ code: number | null; out: string; error: string }>(
    (resolve) => child.on("close", (code) => resolve({ code, out, error })),
  );
}

for (const { name, command, isHere } of SCRIPTS) {
  test.skipIf(!isHere)(`${name} brings the masks of an image`, async () => {
    const out = join(folder, name.split(" ")[0]);
    const image = join(folder, "six cells.png");
    const ended = await run(command, [image, out, JSON.stringify(AS_LABELS)]);
    expect(ended.code, ended.error).toBe(0);
    expect(ended.out).toBe("six cells.png: 6 cells\n");
    const tif = readFileSync(join(out, "six_cells_cp_masks.tif"));
    const { masks } = await decodeLabels(new Uint8Array(tif));
    expect(masks).toEqual(labels);
  }, PATIENT);

  test.skipIf(!isHere)(`${name} fails where the image is none`, async () => {
    const image = join(folder, "text.png");
    writeFileSync(image, "no image");
    const ended = await run(command, [image, folder]);
    expect(ended.code).not.toBe(0);
    expect(ended.error).toMatch(/not supported/);
  }, PATIENT);
}
