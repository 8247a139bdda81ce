import { createHash } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { createClient } from "../../edge/client.ts";
import {
  AS_LABELS,
  drawLabels,
  lengthOf,
  ORIGIN,
  startTestService,
} from "./service.ts";

const service = await startTestService();
afterAll(() => service.close());

test("createClient() makes typed calls from upload to results", async () => {
  const client = createClient(ORIGIN, {
    key: service.key,
    fetch: (input, init) => service.fetch(new Request(input, init)),
  });
  const { png } = drawLabels({ cells: 4 });
  const announced = await client.v1.uploads.$post({
    json: {
      name: "cells.png",
      bytes: png.length,
      sha256: createHash("sha256").update(png).digest("hex"),
    },
  });
  if (announced.status !== 201) throw new Error(await announced.text());
  const upload = await announced.json();
  if (upload.put === undefined) throw new Error("no PUT");
  const sent = await service.fetch(
    new Request(upload.put.url, {
      method: "PUT",
      headers: { ...upload.put.headers, ...lengthOf(png) },
      body: new Uint8Array(png),
    }),
  );
  expect(sent.ok).toBe(true);

  const accepted = await client.v1.jobs.$post({
    json: { images: [{ upload: upload.id }], parameters: AS_LABELS },
    header: {},
  });
  if (accepted.status !== 202) throw new Error(await accepted.text());
  const { id } = await accepted.json();
  const events = await client.v1.jobs[":id"].events.$get({
    param: { id },
    header: {},
  });
  expect(await events.text()).toMatch(/"state":"succeeded"/);
  const results = await client.v1.jobs[":id"].results.$get({
    param: { id },
    query: {},
  });
  if (results.status !== 200) throw new Error(await results.text());
  const { images } = await results.json();
  const count: number | null = images[0].count;
  expect(count).toBe(4);

  // @ts-expect-error a name that is not in the schema does not compile
  const wrong = () => client.v1.uploads.$post({ json: { fileName: "a" } });
  expect((await wrong()).status).toBe(400);
  const missing = await client.v1.jobs[":id"].$get({ param: { id: "none" } });
  expect(missing.status).toBe(404);
});
