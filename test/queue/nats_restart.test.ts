import { expect, test } from "vitest";
import { isSegError } from "../../shared/errors.ts";
import { openNats } from "../../shared/queue/nats.ts";
import type { StoredEvent } from "../../shared/queue/types.ts";
import { startNats } from "../servers/nats.ts";
import { freePort } from "../servers/process.ts";
import { NATS_SERVER } from "../servers/programs.ts";

const isMissing = NATS_SERVER === undefined;

/** Repeat what the queue fails at while the server is away. */
async function persist<T>(run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (err) {
      if (!isSegError(err, "queue")) throw err;
    }
  }
}

test.skipIf(isMissing)(
  "openNats() goes on after the server was killed and started again",
  async () => {
    const server = await startNats();
    const backend = await server.open();
    const queue = await backend.queue("jobs", {
      leaseMs: 2000,
      maxDeliveries: 9,
    });
    const records = await backend.records<string>("jobs");
    const events = await backend.events("jobs");
    const ids = Array.from({ length: 20 }, (_, i) => `job-${10 + i}`);
    for (const id of ids) {
      await records.create(["t", id], "queued");
      await queue.publish({ id, body: id });
    }
    const stop = new AbortController();
    const seen: StoredEvent[] = [];
    const following = (async () => {
      const { signal } = stop;
      for await (const event of events.follow(["t", "a"], { signal })) {
        seen.push(event);
        if (event.type === "after") stop.abort();
      }
    })();
    await events.append(["t", "a"], { type: "before", data: null });

    // some are leased, some done, the rest waits
    const held = await queue.pull({ limit: 8 });
    expect(held).toHaveLength(8);
    for (const delivery of held.slice(0, 4)) {
      await records.update(
        ["t", delivery.id],
        "done",
        (await records.get(["t", delivery.id]))?.revision ?? 0,
      );
      await delivery.ack();
    }
    const waiting = queue.pull({ limit: 100, waitMs: 100 });
    await server.restart();
    await waiting.catch((err) => {
      if (!isSegError(err, "queue")) throw err;
    });

    const pending = ids.slice(4);
    const deadline = performance.now() + 40_000;
    const left = new Set(pending);
    while (left.size > 0 && performance.now() < deadline) {
      const deliveries = await persist(() =>
        queue.pull({ limit: 10, waitMs: 1000 })
      );
      for (const delivery of deliveries) {
        const found = await persist(() => records.get(["t", delivery.id]));
        if (found?.value === "queued") {
          await records.update(["t", delivery.id], "done", found.revision);
        }
        await persist(() => delivery.ack());
        left.delete(delivery.id);
      }
    }
    expect([...left]).toEqual([]);
    const states = await records.list(["t"]);
    expect(states.map(({ key }) => key[1])).toEqual(ids);
    expect(states.every(({ value }) => value === "done")).toBe(true);

    await persist(() =>
      events.append(["t", "a"], { type: "after", data: null })
    );
    await following;
    expect(seen.map(({ type }) => type)).toEqual(["before", "after"]);
    await backend.close();
    await server.remove();
  },
  120_000,
);

test("openNats() tells of a server that is gone", async () => {
  const servers = [`nats://127.0.0.1:${await freePort()}`];
  await expect(openNats({ servers })).rejects
    .toSatisfy((e) => isSegError(e, "queue"));
});

test.skipIf(isMissing)(
  "ping() and calls fail while the server is away",
  async () => {
    const server = await startNats();
    const backend = await server.open();
    const records = await backend.records<string>("jobs");
    await server.kill();
    expect(await backend.ping()).toBe(false);
    await expect(records.create(["t", "a"], "x")).rejects
      .toSatisfy((e) => isSegError(e, "queue"));
    await backend.close();
    await server.remove();
  },
  120_000,
);
