import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { download } from "../../cli/models/download.ts";
import { followRedirect, requireVerified } from "../../cli/models/request.ts";
import { ModelJson } from "../../shared/schema/model.ts";
import { unpackModels } from "../import/models.ts";
import { type FileServer, type ServedFile, serveFile } from "./file_server.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const BYTES = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >>> 7);
const OTHER = BYTES.map((byte) => byte ^ 255);
const NONE = "0".repeat(64);

const sha256 = (bytes: Uint8Array) =>
  createHash("sha256").update(bytes).digest("hex");

let folder: string;
let path: string;
let servers: FileServer[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "models-"));
  path = join(folder, "cpsam");
  servers = [];
});

afterEach(async () => {
  rmSync(folder, { recursive: true });
  for (const server of servers) await server.close();
});

async function serve(file: Partial<ServedFile> = {}): Promise<FileServer> {
  const server = await serveFile({ bytes: BYTES, etag: '"one"', ...file });
  servers.push(server);
  return server;
}

/** Fetch `cpsam`; its reason where that fails. */
async function fetchFrom(
  { base }: { base: string },
  options: { sha256?: string; stallMs?: number } = {},
) {
  const url = new URL(`${base}/cpsam`);
  try {
    return await download({ url, path, ...options });
  } catch (err) {
    return (err as Error).message;
  }
}

/** Fetch, and be cut off after `bytes`. */
async function cutAfter(server: FileServer, bytes: number) {
  server.file.cutAfter = bytes;
  const reason = await fetchFrom(server);
  delete server.file.cutAfter;
  return reason;
}

/** Run `models` as a caller in `folder` does. */
function run(args: string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number; out: string; errors: string[] }>(
    (done) => {
      const child = execFile(
        process.execPath,
        ["run", "-A", MAIN, "models", ...args],
        { env: { ...process.env, INIT_CWD: folder, NO_COLOR: "1", ...env } },
        (_, out, stderr) =>
          done({
            code: child.exitCode ?? -1,
            out,
            errors: stderr.split("\n").filter(Boolean),
          }),
      );
    },
  );
}

test("download() writes the whole file and its digest, and nothing else", async () => {
  const server = await serve();
  expect(await fetchFrom(server, { sha256: sha256(BYTES) })).toEqual({
    bytes: BYTES.length,
    resumedAt: 0,
    sha256: sha256(BYTES),
    checked: "given",
  });
  expect(new Uint8Array(readFileSync(path))).toEqual(BYTES);
  expect(readdirSync(folder)).toEqual(["cpsam"]);
  expect(server.log).toEqual(["/models/cpsam all 200"]);
});

test("download() goes on after a cut, with the digest of the whole", async () => {
  const server = await serve();
  expect(await cutAfter(server, 100_000)).toMatch(
    /^the connection broke after 0\.1 MiB \(.+\); call again to go on$/,
  );
  expect(readdirSync(folder).sort()).toEqual(["cpsam.part", "cpsam.part.json"]);
  expect(await fetchFrom(server)).toEqual({
    bytes: BYTES.length,
    resumedAt: 100_000,
    sha256: sha256(BYTES),
    checked: null,
  });
  expect(new Uint8Array(readFileSync(path))).toEqual(BYTES);
  expect(readdirSync(folder)).toEqual(["cpsam"]);
  expect(server.log).toEqual([
    "/models/cpsam all 200",
    "/models/cpsam bytes=100000- 206",
  ]);
});

test("download() needs no bytes where only the renaming is left", async () => {
  const server = await serve();
  await cutAfter(server, 100_000);
  writeFileSync(`${path}.part`, BYTES);
  expect(await fetchFrom(server)).toMatchObject({
    bytes: BYTES.length,
    resumedAt: BYTES.length,
    sha256: sha256(BYTES),
  });
  expect(server.log.at(-1)).toBe(`/models/cpsam bytes=${BYTES.length}- 416`);
});

test.each([false, true])(
  "download() begins anew where the file has changed (If-Range ignored: %s)",
  async (ignoresIfRange) => {
    const server = await serve({ ignoresIfRange });
    await cutAfter(server, 100_000);
    Object.assign(server.file, { bytes: OTHER, etag: '"two"' });
    expect(await fetchFrom(server)).toMatchObject({
      resumedAt: 0,
      sha256: sha256(OTHER),
    });
    expect(new Uint8Array(readFileSync(path))).toEqual(OTHER);
  },
);

test.each([null, 'W/"one"'])(
  "download() begins anew where nothing names the version (%s)",
  async (etag) => {
    const server = await serve({ etag });
    await cutAfter(server, 100_000);
    expect(await fetchFrom(server)).toMatchObject({ resumedAt: 0 });
    expect(server.log.at(-1)).toBe("/models/cpsam all 200");
  },
);

test("download() does not go on with what came from another address", async () => {
  const one = await serve();
  const two = await serve({ bytes: OTHER });
  await cutAfter(one, 100_000);
  expect(await fetchFrom(two)).toMatchObject({
    resumedAt: 0,
    sha256: sha256(OTHER),
  });
});

test("download() leaves nothing of a file with another digest", async () => {
  const server = await serve();
  const reason = `the file has SHA-256 ${
    sha256(BYTES)
  }, not ${NONE}; it was removed`;
  expect(await fetchFrom(server, { sha256: NONE })).toBe(reason);
  expect(readdirSync(folder)).toEqual([]);
});

test("download() follows redirects and checks the digest announced there", async () => {
  const redirect = { location: "/elsewhere", digest: sha256(BYTES) };
  const server = await serve({ redirect });
  expect(await fetchFrom(server)).toMatchObject({ checked: "announced" });
  expect(server.log).toEqual(["/models/cpsam all 302", "/elsewhere all 200"]);
  rmSync(path);
  redirect.digest = NONE;
  expect(await fetchFrom(server)).toMatch(/ not 0{64}; it was removed$/);
  redirect.location = "/models/cpsam";
  expect(await fetchFrom(server)).toMatch(/ redirects more than 5 times$/);
});

test("download() says in one line what went wrong, and leaves no file", async () => {
  const page = await serve({ type: "text/html; charset=utf-8" });
  expect(await fetchFrom(page)).toMatch(/ sent a web page, no checkpoint$/);
  const slow = await serve({ stallAfter: 1000 });
  expect(await fetchFrom(slow, { stallMs: 300 })).toMatch(
    /^no data from 127\.0\.0\.1:\d+ for 0\.3 s; call again to go on$/,
  );
  rmSync(`${path}.part`);
  rmSync(`${path}.part.json`);
  const gone = await serveFile(page.file);
  await gone.close();
  expect(await fetchFrom(gone)).toMatch(
    /^cannot reach 127\.0\.0\.1:\d+: .*refused.*$/i,
  );
  const url = new URL(`${(await serve()).base}/cpdino`);
  await expect(download({ url, path })).rejects.toThrow(
    /^127\.0\.0\.1:\d+ has no \/models\/cpdino \(404\)$/,
  );
  expect(readdirSync(folder)).toEqual([]);
});

test("download() takes no file that the disk has no room for", async () => {
  const server = await serve({ claims: 2 ** 52, stallAfter: 1000 });
  expect(await fetchFrom(server)).toMatch(
    /^.+ has \d+ MiB left; the file needs 4294967296 MiB more$/,
  );
  expect(readdirSync(folder)).toEqual([]);
});

test("requireVerified() refuses servers that nobody vouches for", () => {
  const verify = (url: string) => () => requireVerified(new URL(url));
  expect(verify("http://example.org/a")).toThrow("the address must be https");
  expect(verify("http://127.0.0.1.example.org/a")).toThrow("must be https");
  expect(verify("file:///etc/hosts")).toThrow("the address must be https");
  expect(verify("https://example.org/a")).not.toThrow();
  expect(verify("http://localhost:8000/a")).not.toThrow();
});

test("followRedirect() stays with verified connections", () => {
  const from = new URL("https://example.org/a/b");
  const lead = (to: string) => followRedirect(from, to).href;
  expect(lead("/c")).toBe("https://example.org/c");
  expect(lead("https://cdn.example/d")).toBe("https://cdn.example/d");
  expect(() => lead("http://localhost/e")).toThrow("which is not https");
});

const openssl = spawnSync("openssl", ["version"]).status === 0;

test.skipIf(!openssl)(
  "download() refuses a certificate that cannot be verified",
  async () => {
    const [key, cert] = ["key.pem", "cert.pem"].map((n) => join(folder, n));
    spawnSync("openssl", [
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"],
      ...["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
      ...["-keyout", key, "-out", cert],
    ]);
    let requests = 0;
    const options = { key: readFileSync(key), cert: readFileSync(cert) };
    const server = createServer(options, (_, response) => {
      requests++;
      response.end(BYTES);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    const reason = await fetchFrom({ base: `https://127.0.0.1:${port}` });
    server.close();
    expect(reason).toMatch(/^cannot reach 127\.0\.0\.1:\d+: .*cert/i);
    expect(requests).toBe(0);
    expect(existsSync(path)).toBe(false);
  },
);

test("models pull asks for nothing before the licence is accepted", async () => {
  const server = await serve();
  const args = ["pull", "cpsam", "--out", ".", "--base", server.base];
  const { code, errors } = await run(args);
  expect(code).toBe(2);
  expect(errors).toEqual([
    expect.stringMatching(
      /^error: the weights of cpsam are under CC-BY-NC .*--accept-licence/,
    ),
  ]);
  expect(server.log).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

test("models pull refuses unknown names, and lists those it knows", async () => {
  const { code, errors } = await run(["pull", "cyto9", "--out", "."]);
  expect([code, errors]).toEqual([2, [
    "error: no model cyto9 is published; there are cpsam_v2, cpsam, cpdino, cpdino-vitb",
  ]]);
  const { out } = await run(["list", "--json"]);
  expect(JSON.parse(out).map(({ url }: { url: string }) => url)).toContain(
    "https://huggingface.co/mouseland/cellpose-sam/resolve/main/cpsam_v2",
  );
});

test("models pull fetches, imports with the licence, and fetches no second time", async () => {
  const root = unpackModels(["cellpose_unet_2"]);
  const bytes = readFileSync(join(root, "cellpose_unet_2", "checkpoint.pth"));
  rmSync(root, { recursive: true });
  const server = await serve({ bytes: new Uint8Array(bytes) });
  const args = ["pull", "cpsam", "--out", "got", "--accept-licence"];
  const env = { CYTOEDGE_MODELS_URL: `${server.base}/` };
  const first = await run([...args, "--import"], env);
  expect([first.code, first.errors]).toEqual([0, []]);
  expect(first.out).toContain("licence CC-BY-NC\n");
  expect(first.out).toContain(`sha256 ${sha256(bytes)} (compared with nothing`);
  const model = join(folder, "got", "cpsam_model", "model.json");
  expect(ModelJson.parse(JSON.parse(readFileSync(model, "utf8"))))
    .toMatchObject(
      { family: "cellpose-unet", licence: "CC-BY-NC" },
    );
  const second = await run(args, env);
  expect(second.out).toContain("is there already; nothing was fetched");
  const third = await run([...args, "--sha256", NONE], env);
  expect(third.code).toBe(1);
  expect(third.errors).toEqual([
    expect.stringMatching(/^error: .*remove it to fetch another$/),
  ]);
  const file = join("got", "cpsam");
  expect(existsSync(join(folder, file))).toBe(true);
  const fourth = await run(
    ["pull", "cpsam", "--out", file, ...args.slice(4)],
    env,
  );
  expect(fourth.errors).toEqual([`error: ${join(folder, file)} is no folder`]);
  expect(server.log).toEqual(["/models/cpsam all 200"]);
});
