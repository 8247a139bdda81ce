import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  createFetchGuard,
  isPublicAddress,
} from "../../shared/net/fetch_guard.ts";

const opened: Server[] = [];
afterAll(() => {
  for (const server of opened) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(server: Server): Promise<number> {
  opened.push(server);
  await new Promise<void>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve())
  );
  return (server.address() as AddressInfo).port;
}

const serve = (handler: RequestListener) => listen(createServer(handler));

const local = (port: number) =>
  createFetchGuard({
    hosts: [`hook.example:${port}`],
    resolve: () => Promise.resolve(["127.0.0.1"]),
    testing: {},
  });

test("isPublicAddress() refuses what only this machine or network reaches", () => {
  for (
    const address of [
      ...["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::"],
      ...["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1"],
      ...["169.254.169.254", "fe80::1", "fd00::1", "fc00::1"],
      // addresses that carry another inside
      ...["::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1"],
      ...["2002:7f00:1::", "2001::1", "::127.0.0.1", "::ffff:0:127.0.0.1"],
      ...["224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1"],
      ...["192.0.2.1", "198.18.0.1", "2001:db8::1", "no address", ""],
    ]
  ) expect(isPublicAddress(address), address).toBe(false);
  for (const address of ["8.8.8.8", "1.1.1.1", "2606:4700::1111"]) {
    expect(isPublicAddress(address), address).toBe(true);
  }
});

test("check() takes https URLs of the allowed hosts and ports only", () => {
  const guard = createFetchGuard({ hosts: ["Hook.example", "b.example:8443"] });
  expect(guard.check("https://hook.example/a?b").pathname).toBe("/a");
  expect(guard.check("https://HOOK.example:443/").host).toBe("hook.example");
  expect(guard.check("https://b.example:8443/").port).toBe("8443");
  for (
    const url of [
      "http://hook.example/",
      "https://hook.example:22/",
      "https://b.example/",
      "https://hook.example.evil.example/",
      "https://hook.example./",
      "https://evil.example/hook.example",
      "https://user:word@hook.example/",
      "https://hook.example@evil.example/",
      "https://127.0.0.1/",
      "https://2130706433/",
      "https://0x7f.1/",
      "https://[::ffff:127.0.0.1]/",
      "file:///etc/passwd",
      "gopher://hook.example/",
    ]
  ) expect(() => guard.check(url), url).toThrow(/The URL of/);
  expect(() => guard.check("no url")).toThrow(/is no URL/);
  expect(() => guard.check("https://hook.example/" + "a".repeat(2000)))
    .toThrow(/is no URL/);
});

test("without hosts everything is refused", () => {
  const guard = createFetchGuard({ hosts: [] });
  expect(guard.isOn).toBe(false);
  expect(() => guard.check("https://a.example/")).toThrow(/fetching is off/);
});

test("call() refuses an allowed name that leads inside, whichever address does", async () => {
  for (
    const addresses of [
      ["127.0.0.1"],
      ["8.8.8.8", "169.254.169.254"],
      ["::ffff:10.0.0.1"],
    ]
  ) {
    const guard = createFetchGuard({
      hosts: ["hook.example"],
      resolve: () => Promise.resolve(addresses),
    });
    const err = await guard.call("https://hook.example/").catch((e) => e);
    expect(err.tag).toBe("forbidden");
    expect(err.message).not.toContain(addresses[0]);
  }
  const literal = createFetchGuard({ hosts: ["127.0.0.1", "[::1]"] });
  await expect(literal.call("https://127.0.0.1/")).rejects.toThrow(/public/);
  await expect(literal.call("https://[::1]/")).rejects.toThrow(/public/);
});

test("call() resolves once and connects to that address", async () => {
  let resolved = 0;
  const port = await serve((request, answer) =>
    answer.end(`${request.headers.host} ${request.url}`)
  );
  const guard = createFetchGuard({
    hosts: [`hook.example:${port}`],
    // a name server that changes its mind
    resolve: () => Promise.resolve([++resolved === 1 ? "127.0.0.1" : "::2"]),
    testing: {},
  });
  const { status, bytes } = await guard.call(
    `http://hook.example:${port}/a?b=1`,
  );
  expect(status).toBe(200);
  expect(new TextDecoder().decode(bytes)).toBe(`hook.example:${port} /a?b=1`);
  expect(resolved).toBe(1);
});

test("call() follows no redirect", async () => {
  let calls = 0;
  const port = await serve((_, answer) => {
    calls++;
    answer.writeHead(302, { location: "http://127.0.0.1/" }).end();
  });
  await expect(local(port).call(`http://hook.example:${port}/`))
    .rejects.toThrow(/redirects/);
  expect(calls).toBe(1);
});

test("call() ends answers that are too long, cut, or never come", async () => {
  const long = await serve((_, answer) => answer.end("x".repeat(1000)));
  await expect(
    local(long).call(`http://hook.example:${long}/`, { maxBytes: 999 }),
  ).rejects.toMatchObject({ tag: "image-too-large" });
  const exact = await local(long).call(`http://hook.example:${long}/`, {
    maxBytes: 1000,
  });
  expect(exact.bytes).toHaveLength(1000);
  const silent = await serve(() => {});
  await expect(
    local(silent).call(`http://hook.example:${silent}/`, { timeoutMs: 100 }),
  ).rejects.toThrow(/no answer in time/);
  const cut = await serve((_, answer) => {
    answer.writeHead(200, { "content-length": "10" });
    answer.write("abc", () => answer.destroy());
  });
  await expect(local(cut).call(`http://hook.example:${cut}/`))
    .rejects.toMatchObject({ tag: "storage" });
});

const openssl = (() => {
  try {
    execFileSync("openssl", ["version"]);
    return true;
  } catch {
    return false;
  }
})();

test.skipIf(!openssl)(
  "call() checks the certificate against the name, not the address (openssl)",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "tls-"));
    const [key, cert] = ["key", "cert"].map((name) => join(folder, name));
    execFileSync("openssl", [
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"],
      ...["-keyout", key, "-out", cert, "-subj", "/CN=hook.example"],
      ...["-addext", "subjectAltName=DNS:hook.example"],
    ], { stdio: "ignore" });
    const ca = readFileSync(cert, "utf8");
    const port = await listen(
      createTlsServer(
        { key: readFileSync(key), cert: ca },
        (_, answer) => answer.end("ok"),
      ),
    );
    rmSync(folder, { recursive: true });
    const guard = (host: string, testing: { ca?: string }) =>
      createFetchGuard({
        hosts: [`${host}:${port}`],
        resolve: () => Promise.resolve(["127.0.0.1"]),
        testing,
      }).call(`https://${host}:${port}/`);
    expect((await guard("hook.example", { ca })).status).toBe(200);
    await expect(guard("other.example", { ca })).rejects.toMatchObject({
      tag: "storage",
    });
    await expect(guard("hook.example", {})).rejects.toMatchObject({
      tag: "storage",
    });
  },
);
