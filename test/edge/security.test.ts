import { afterAll, expect, test } from "vitest";
import { drawLabels, lengthOf, ORIGIN, startTestService } from "./service.ts";
import { createSessions } from "../../edge/access/session.ts";

const logged: string[] = [];
const service = await startTestService({
  isWorking: false,
  settings: { maxBodyBytes: 2 ** 20, corsOrigins: ["https://lab.example"] },
  log: (entry) => logged.push(JSON.stringify(entry)),
});
afterAll(() => service.close());
const { png } = drawLabels();

const WAYS_OUT = [
  "..",
  "../secret",
  "..%2f..%2fsecret",
  "%2e%2e%2fsecret",
  "..%5csecret",
  "....//secret",
  "a%00b",
  "a%2fb",
  "%252e%252e%252fsecret",
  "\u2025/secret",
  "/etc/passwd",
];

test("ids that are paths reach no file", async () => {
  for (const id of WAYS_OUT) {
    for (
      const path of [
        `/v1/uploads/${id}`,
        `/v1/jobs/${id}`,
        `/v1/jobs/${id}/results`,
        `/store/${id}`,
        `/store/tenants/lab/${id}`,
        `/docs/${id}`,
      ]
    ) {
      // some ways out end, by the rules of URLs, at the page
      if (new URL(path, ORIGIN).pathname === "/") continue;
      const { status, body } = await service.call("GET", path);
      expect([400, 403, 404], path).toContain(status);
      expect(JSON.stringify(body), path).not.toMatch(/root:|PRIVATE/);
    }
  }
});

test("names of files never become paths", async () => {
  for (
    const name of ["../../a.png", "/etc/a.png", "a\u0000.png", "..", "a/b"]
  ) {
    const { status, body } = await service.call("POST", "/v1/uploads", {
      json: { name, bytes: 3, sha256: "0".repeat(64) },
    });
    if (status !== 201) continue;
    const { pathname } = new URL(body.put.url);
    expect(pathname).toMatch(/^\/store\/tenants\/lab\/uploads\/[0-9a-v]{22}$/);
  }
});

test("a PUT of another length, type or digest than signed is refused", async () => {
  const { body } = await service.call("POST", "/v1/uploads", {
    json: { name: "a.png", bytes: 5, sha256: "0".repeat(64) },
  });
  const put = (bytes: Uint8Array, headers: Record<string, string>) =>
    service.fetch(
      new Request(body.put.url, {
        method: "PUT",
        headers: { ...body.put.headers, ...lengthOf(bytes), ...headers },
        body: new Uint8Array(bytes),
      }),
    );
  expect((await put(png, {})).status).toBe(403);
  expect((await put(png.slice(0, 5), { "content-type": "text/html" })).status)
    .toBe(403);
  expect((await put(png.slice(0, 5), {})).status).toBe(400);
});

test("a job's id, upload or result of another tenant is unknown in every call", async () => {
  const other = await service.createKey({ tenant: "other" });
  const upload = await service.upload("cells.png", png);
  const { body: job } = await service.call("POST", "/v1/jobs", {
    json: { images: [{ upload }] },
    headers: { "idempotency-key": "shared" },
  });
  // an idempotency key is its tenant's own
  const theirs = await service.upload("cells.png", png, other);
  const { body: second } = await service.call("POST", "/v1/jobs", {
    key: other,
    json: { images: [{ upload: theirs }] },
    headers: { "idempotency-key": "shared" },
  });
  expect(second.id).not.toBe(job.id);
  const { body: document } = await service.call("GET", "/openapi.json");
  for (const [path, methods] of Object.entries(document.paths)) {
    if (!path.includes("{id}")) continue;
    const id = path.includes("upload") ? upload : job.id;
    for (const method of Object.keys(methods as object)) {
      const answer = await service.call(
        method.toUpperCase(),
        path.replace("{id}", id),
        {
          key: other,
          ...(method === "get" || method === "delete" ? {} : {
            json: path.endsWith("parts")
              ? { number: 1, sha256: "0".repeat(64) }
              : {},
          }),
        },
      );
      expect([403, 404], `${method} ${path}`).toContain(answer.status);
      expect(JSON.stringify(answer.body)).not.toContain("cells.png");
    }
  }
  const usage = await service.call("GET", "/v1/usage", { key: other });
  const keys = usage.body.days.map(({ key }: { key: string }) => key);
  const own = await service.call("GET", "/v1/usage");
  for (const day of own.body.days) expect(keys).not.toContain(day.key);
});

test("nothing of a key or a signature is in the log or in an answer", async () => {
  const { body } = await service.call("POST", "/v1/uploads", {
    json: { name: "a.png", bytes: 5, sha256: "1".repeat(64) },
  });
  await service.fetch(new Request(body.put.url));
  await service.call("GET", `/v1/jobs?key=${service.key}`);
  const wrong = `ce_${"y".repeat(43)}`;
  const refused = await service.call("GET", "/v1/jobs", { key: wrong });
  expect(JSON.stringify(refused.body)).not.toContain(wrong);
  service.deps.usage.list = () => {
    throw new Error("broken");
  };
  await service.call("GET", "/v1/usage");
  const all = logged.join("\n");
  expect(all).toContain("broken");
  expect(all).not.toContain(service.key);
  expect(all).not.toContain(wrong);
  const signature = new URL(body.put.url).searchParams.get("signature") ??
    [...new URL(body.put.url).searchParams.values()].at(-1) ?? "";
  expect(signature.length).toBeGreaterThan(20);
  expect(all).not.toContain(signature);
});

test("a session is not taken from pages of other ports, sites or names", async () => {
  const cookie = service.deps.sessions?.issue("lab").split(";")[0] ?? "";
  const call = (headers: Record<string, string>) =>
    service.fetch(
      new Request(`${ORIGIN}/v1/jobs`, {
        headers: { host: "127.0.0.1:8000", cookie, ...headers },
      }),
    ).then(({ status }) => status);
  expect(await call({})).toBe(200);
  expect(await call({ origin: ORIGIN })).toBe(200);
  expect(await call({ "sec-fetch-site": "same-origin" })).toBe(200);
  // another port is the same site: the browser sends the cookie
  expect(await call({ origin: "http://127.0.0.1:3000" })).toBe(401);
  expect(await call({ "sec-fetch-site": "same-site" })).toBe(401);
  expect(await call({ "sec-fetch-site": "cross-site" })).toBe(401);
  expect(await call({ origin: "null" })).toBe(401);
  // a name that was bound to the loopback address
  expect(await call({ host: "rebound.example" })).toBe(401);
  expect(await call({ host: "127.0.0.1.evil.example" })).toBe(401);
  expect(await call({ host: "localhost:8000@evil.example" })).toBe(401);
});

test("a session ends, and is bound to its secret and tenant", () => {
  let now = 0;
  const secret = new Uint8Array(32).fill(1);
  const sessions = createSessions(secret, () => now);
  const cookie = sessions.issue("lab");
  expect(cookie).toMatch(/HttpOnly/);
  expect(cookie).toMatch(/SameSite=Strict/);
  const value = cookie.split(";")[0].split("=")[1];
  expect(sessions.check(value)).toBe("lab");
  expect(createSessions(new Uint8Array(32), () => now).check(value))
    .toBeUndefined();
  const [tenant, until, signature] = value.split(".");
  expect(sessions.check(`own.${until}.${signature}`)).toBeUndefined();
  expect(sessions.check(`${tenant}.${until}9.${signature}`)).toBeUndefined();
  expect(sessions.check(`${tenant}.${until}.`)).toBeUndefined();
  now = Number(until);
  expect(sessions.check(value)).toBeUndefined();
});

test("pages of other origins get no leave to read, with or without a key", async () => {
  const read = async (origin: string) => {
    const { headers } = await service.call("GET", "/v1/models", {
      headers: { origin },
    });
    return headers.get("access-control-allow-origin");
  };
  expect(await read("https://lab.example")).toBe("https://lab.example");
  for (
    const origin of [
      "https://evil.example",
      "https://lab.example.evil.example",
      "http://lab.example",
      "null",
    ]
  ) expect(await read(origin), origin).toBeNull();
  const { headers } = await service.call("GET", "/v1/models", {
    headers: { origin: "https://lab.example" },
  });
  expect(headers.get("access-control-allow-credentials")).toBeNull();
});

test("every answer carries the security headers", async () => {
  for (const path of ["/healthz", "/v1/jobs", "/v1/nothing", "/openapi.json"]) {
    const { headers } = await service.call("GET", path);
    expect(headers.get("x-content-type-options"), path).toBe("nosniff");
    expect(headers.get("x-frame-options"), path).toBe("DENY");
  }
});

test("a body above the limit is refused before the route sees it", async () => {
  const said = await service.call("POST", "/v1/previews", {
    headers: { "content-length": `${2 ** 40}` },
    json: {},
  });
  expect(said.status).toBe(413);
  const form = new FormData();
  form.append("image", new File([new Uint8Array(2 ** 21)], "a.png"));
  const sent = await service.call("POST", "/v1/previews", { form });
  expect(sent.status).toBe(413);
});

test("an upload too large to preview is refused by its announced size", async () => {
  const { store } = service.deps;
  const upload = await service.upload("cells.png", png);
  const get = store.get;
  let isRead = false;
  store.get = async (key, range) => {
    const found = await get(key, range);
    isRead = true;
    const info = { ...found.info, length: 2 ** 40 };
    return { ...found, info, length: 2 ** 40 };
  };
  try {
    const { status } = await service.call("POST", "/v1/previews", {
      json: { upload },
    });
    expect(isRead).toBe(true);
    expect(status).toBe(413);
  } finally {
    store.get = get;
  }
});

test("one request cannot ask for unbounded work", async () => {
  const many = { images: Array(10_001).fill({ upload: "a" }) };
  const jobs = await service.call("POST", "/v1/jobs", { json: many });
  expect(jobs.status).toBe(400);
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const nested = await service.fetch(
    new Request(`${ORIGIN}/v1/jobs`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${service.key}`,
        "content-type": "application/json",
      },
      body: deep,
    }),
  );
  expect(nested.status).toBe(400);
});

test("names of prototypes in a body are no parameters", async () => {
  const text = '{"images":[{"upload":"a"}],"__proto__":{"dryRun":true}}';
  const answer = await service.fetch(
    new Request(`${ORIGIN}/v1/jobs`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${service.key}`,
        "content-type": "application/json",
      },
      body: text,
    }),
  );
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(({} as { dryRun?: boolean }).dryRun).toBeUndefined();
});
