import { readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { AS_LABELS, drawLabels, ORIGIN, startTestService } from "./service.ts";

const service = await startTestService({
  isWorking: false,
  settings: { maxBodyBytes: 1 << 22, corsOrigins: ["https://lab.example"] },
});
afterAll(() => service.close());

const EXAMPLES = new URL("../../examples/", import.meta.url);
const truth = readFileSync(new URL("nuclei_2d_masks.tif", EXAMPLES));

test("POST /previews finds the cells of an image that comes inline", async () => {
  const { png, edge } = drawLabels({ cells: 5 });
  const form = new FormData();
  form.append("image", new File([new Uint8Array(png)], "cells.png"));
  form.append("options", JSON.stringify({ parameters: AS_LABELS }));
  const { status, body } = await service.call("POST", "/v1/previews", { form });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    count: 5,
    scale: 1,
    size: { height: edge, width: edge },
    masks: { format: "png" },
  });
  expect(body.cells).toHaveLength(5);
  expect(body.outlines).toHaveLength(5);
  expect(body.cells[0].confidence).toBeGreaterThan(0.5);
  expect(body.id).toMatch(/^[0-9a-f]{64}$/);
});

test("POST /previews says where it shrank the image", async () => {
  const { png } = drawLabels({ edge: 200, cells: 1 });
  const form = new FormData();
  form.append("image", new File([new Uint8Array(png)], "cells.png"));
  form.append("options", JSON.stringify({ maxEdge: 100, masks: "none" }));
  const { body } = await service.call("POST", "/v1/previews", { form });
  expect(body.scale).toBe(0.5);
  expect(body.warnings.map(({ code }: { code: string }) => code))
    .toContain("preview-scaled");
});

test("POST /previews takes a diameter in µm at the pixel size given", async () => {
  const { png } = drawLabels({ edge: 200, cells: 1 });
  const form = new FormData();
  form.append("image", new File([new Uint8Array(png)], "cells.png"));
  const parameters = { ...AS_LABELS, diameterUm: 30, pixelSize: 0.5 };
  form.append("options", JSON.stringify({ maxEdge: 100, parameters }));
  const { status, body } = await service.call("POST", "/v1/previews", { form });
  expect(status).toBe(200);
  // shrunk or not, 30 µm are 60 pixels of the image
  expect(body.diameter).toBeCloseTo(60, 6);
});

test("POST /previews names what is wrong with file and options", async () => {
  const send = (bytes: Uint8Array, options: unknown) => {
    const form = new FormData();
    form.append("image", new File([new Uint8Array(bytes)], "a"));
    form.append("options", JSON.stringify(options));
    return service.call("POST", "/v1/previews", { form });
  };
  const text = await send(new TextEncoder().encode("no image"), {});
  expect(text.status).toBe(415);
  const cut = await send(drawLabels().png.slice(0, 50), {});
  expect(cut.status).toBe(422);
  const wrong = await send(drawLabels().png, { parameters: { diameter: -1 } });
  expect(wrong.status).toBe(400);
  expect(wrong.body.errors[0].pointer).toBe("/options/parameters/diameter");
});

test("POST /scores scores files, and pools them", async () => {
  const form = new FormData();
  for (const name of ["truth", "prediction"]) {
    form.append(name, new File([truth], "a.tif"));
    form.append(name, new File([truth], "b.tif"));
  }
  form.append("thresholds", "0.5,0.9");
  const { status, body } = await service.call("POST", "/v1/scores", { form });
  expect(status).toBe(200);
  expect(body.images).toHaveLength(2);
  expect(body.images[0]).toMatchObject({
    name: "a.tif",
    cells: { truth: 125, prediction: 125 },
  });
  expect(body.total.precision).toMatchObject([
    { threshold: 0.5, tp: 250, fp: 0, fn: 0, ap: 1 },
    { threshold: 0.9, tp: 250, fp: 0, fn: 0, ap: 1 },
  ]);
});

test("POST /scores refuses unequal numbers of files", async () => {
  const form = new FormData();
  form.append("truth", new File([truth], "a.tif"));
  const { status, body } = await service.call("POST", "/v1/scores", { form });
  expect(status).toBe(400);
  expect(body.errors[0].pointer).toBe("/prediction");
});

test("unknown methods are answered 405 with Allow, unknown paths 404", async () => {
  const put = await service.call("PUT", "/v1/jobs");
  expect(put.status).toBe(405);
  expect(put.headers.get("allow")).toBe("GET, HEAD, POST");
  expect((await service.call("GET", "/v1/nothing")).status).toBe(404);
  expect((await service.call("POST", "/healthz")).status).toBe(405);
  // a request that only a server can receive
  const trace = Object.defineProperty(
    new Request(`${ORIGIN}/v1/jobs`, {
      method: "POST",
      body: "{}",
      headers: { authorization: `Bearer ${service.key}` },
    }),
    "method",
    { value: "TRACE" },
  );
  expect((await service.fetch(trace)).status).toBe(405);
});

test("bodies above the limit are refused by their header and while they come", async () => {
  const big = "x".repeat(8 << 20);
  const said = await service.call("POST", "/v1/jobs", { json: { big } });
  expect(said.status).toBe(413);
  const body = new ReadableStream({
    start(controller) {
      for (let i = 0; i < 16; i++) {
        controller.enqueue(new Uint8Array(1 << 19).fill(32));
      }
      controller.close();
    },
  });
  const init = {
    method: "POST",
    body,
    duplex: "half",
    headers: {
      authorization: `Bearer ${service.key}`,
      "content-type": "application/json",
    },
  } as RequestInit;
  const chunked = await service.fetch(new Request(`${ORIGIN}/v1/jobs`, init));
  expect(chunked.status).toBe(413);
});

test("/openapi.json describes every route, relative to the server", async () => {
  const { status, body } = await service.call("GET", "/openapi.json", {
    key: null,
  });
  expect(status).toBe(200);
  expect(body.openapi).toMatch(/^3\.1/);
  expect(body.servers).toEqual([{ url: "/" }]);
  expect(body.components.securitySchemes.key).toMatchObject({
    type: "http",
    scheme: "bearer",
  });
  expect(Object.keys(body.paths).sort()).toEqual([
    "/healthz",
    "/metrics",
    "/readyz",
    "/v1/jobs",
    "/v1/jobs/{id}",
    "/v1/jobs/{id}/events",
    "/v1/jobs/{id}/masks",
    "/v1/jobs/{id}/results",
    "/v1/models",
    "/v1/models/default/files/{name}",
    "/v1/models/{id}",
    "/v1/previews",
    "/v1/prompts",
    "/v1/scores",
    "/v1/trainings",
    "/v1/trainings/{id}",
    "/v1/trainings/{id}/events",
    "/v1/uploads",
    "/v1/uploads/{id}",
    "/v1/uploads/{id}/complete",
    "/v1/uploads/{id}/parts",
    "/v1/usage",
  ]);
  for (const [path, methods] of Object.entries(body.paths)) {
    for (const route of Object.values(methods as Record<string, object>)) {
      expect("security" in route, path).toBe(path.startsWith("/v1"));
    }
  }
});

test("/docs is a page without scripts from elsewhere", async () => {
  const { status, body, headers } = await service.call("GET", "/docs", {
    key: null,
  });
  expect(status).toBe(200);
  expect(body).not.toMatch(/https?:\/\//);
  expect(headers.get("content-security-policy")).toMatch(/script-src 'self'/);
  const script = await service.call("GET", "/docs/swagger-ui-bundle.js", {
    key: null,
  });
  expect(script.status).toBe(200);
  const other = await service.call("GET", "/docs/package.json", { key: null });
  expect(other.status).toBe(404);
});

test("/metrics counts requests by route and tells the queue's depth", async () => {
  await service.call("GET", "/v1/models");
  const { body } = await service.call("GET", "/metrics", { key: null });
  expect(body).toMatch(
    /cytoedge_request_seconds_count\{route="\/v1\/models",method="GET",status="200"\} [1-9]/,
  );
  expect(body).toMatch(/cytoedge_queue_messages\{state="waiting"\} 0/);
});

test("pages of allowed origins may call, others may not", async () => {
  const preflight = async (origin: string) => {
    const answer = await service.fetch(
      new Request(`${ORIGIN}/v1/jobs`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST" },
      }),
    );
    return answer.headers.get("access-control-allow-origin");
  };
  expect(await preflight("https://lab.example")).toBe("https://lab.example");
  expect(await preflight("https://other.example")).toBeNull();
});

test("an unforeseen error tells its id and nothing of the inside", async () => {
  const broken = await startTestService({ isWorking: false });
  try {
    broken.deps.usage.list = () => {
      throw new TypeError("secret detail");
    };
    const { status, body } = await broken.call("GET", "/v1/usage");
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain("secret");
    expect(body.requestId).toMatch(/^[0-9a-v]{22}$/);
  } finally {
    await broken.close();
  }
});
