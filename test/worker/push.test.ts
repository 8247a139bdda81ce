import { expect, test } from "vitest";
import { createPush } from "../../gpu-worker/push.ts";
import { StorageError, UnsupportedFormatError } from "../../shared/errors.ts";

const TOKEN = "t".repeat(40);
const TASK = { tenant: "lab", job: "a1", index: 0 };

function open(
  { run = () => Promise.resolve(), token = TOKEN, isReady = true }: {
    run?: () => Promise<void>;
    token?: string | null;
    isReady?: boolean;
  } = {},
) {
  const failed: string[] = [];
  const stop = new AbortController();
  const handle = createPush({
    run,
    fail: (_, error) => Promise.resolve(failed.push(error)),
    ...(token === null ? {} : { token }),
    isReady: () => isReady,
    signal: stop.signal,
  });
  const push = async (
    { body = JSON.stringify(TASK), authorization = `Bearer ${TOKEN}` }: {
      body?: string;
      authorization?: string;
    } = {},
  ) => {
    const answer = await handle(
      new Request("http://worker/tasks", {
        method: "POST",
        headers: { authorization, "content-length": `${body.length}` },
        body,
      }),
    );
    return [answer.status, (await answer.json()).state];
  };
  const get = async (path: string) =>
    (await handle(new Request(`http://worker${path}`))).status;
  return { push, get, failed, stop };
}

test("a pushed image is done", async () => {
  let runs = 0;
  const { push } = open({ run: () => Promise.resolve(void runs++) });
  expect(await push()).toEqual([200, "done"]);
  expect(runs).toBe(1);
});

test("without the token nothing is done, also where none is set", async () => {
  const run = () => Promise.reject(new Error("it ran"));
  const closed = open({ run });
  for (const authorization of ["", "Bearer ", `Bearer ${TOKEN}x`, TOKEN]) {
    expect(await closed.push({ authorization })).toEqual([401, "unauthorized"]);
  }
  const none = open({ run, token: null });
  for (const authorization of ["", "Bearer undefined", "Bearer "]) {
    expect(await none.push({ authorization })).toEqual([401, "unauthorized"]);
  }
});

test("what may pass is answered 503, what may not is settled", async () => {
  const busy = open({
    run: () => Promise.reject(new StorageError("get", "a")),
  });
  expect(await busy.push()).toEqual([503, "retry"]);
  expect(busy.failed).toEqual([]);
  const wrong = open({
    run: () => Promise.reject(new UnsupportedFormatError("text", [])),
  });
  expect(await wrong.push()).toEqual([200, "done"]);
  expect(wrong.failed).toHaveLength(1);
  const stopped = open({
    run: () => Promise.reject(new UnsupportedFormatError("text", [])),
  });
  stopped.stop.abort();
  expect(await stopped.push()).toEqual([503, "retry"]);
  expect(stopped.failed).toEqual([]);
});

test("what is no task is refused", async () => {
  const { push } = open();
  for (
    const body of [
      "",
      "{}",
      JSON.stringify({ ...TASK, index: -1 }),
      JSON.stringify({ ...TASK, tenant: "../other" }),
      JSON.stringify({ ...TASK, extra: 1 }),
      " ".repeat(5000),
    ]
  ) expect(await push({ body })).toEqual([400, "no task"]);
});

test("it is alive at once, ready when warm, and has no other paths", async () => {
  const cold = open({ isReady: false });
  expect(await cold.get("/healthz")).toBe(200);
  expect(await cold.get("/readyz")).toBe(503);
  expect(await open().get("/readyz")).toBe(200);
  expect(await cold.get("/tasks")).toBe(405);
  expect(await cold.get("/")).toBe(404);
});
