import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { startNats } from "../servers/nats.ts";
import { NATS_SERVER } from "../servers/programs.ts";
import { describeBackend } from "./contract.ts";

if (NATS_SERVER === undefined) {
  test.skip("queue backend: NATS (nats-server is not installed)", () => {});
} else {
  describeBackend("NATS JetStream", async () => {
    const server = await startNats();
    return {
      backends: [await server.open(), await server.open()],
      // the server has its own clock
      advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      remove: () => server.remove(),
    };
  });

  test("delete() of a record leaves nothing behind for long", async () => {
    const server = await startNats();
    const backend = await server.open({ deletedMs: 1000 });
    const records = await backend.records("open");
    const keys = Array.from({ length: 20 }, (_, i) => ["t", `${i}`]);
    for (const key of keys) await records.create(key, "x");
    for (const key of keys) await records.delete(key);
    const nc = await connect({ servers: [server.url] });
    const jsm = await jetstreamManager(nc);
    const count = async () =>
      (await jsm.streams.info("KV_cytoedge_open")).state.messages;
    const deadline = performance.now() + 15_000;
    while (await count() > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(await count()).toBe(0);
    // and the key is free
    expect(await records.get(keys[0])).toBeUndefined();
    await records.create(keys[0], "again");
    expect(await records.get(keys[0])).toMatchObject({ value: "again" });
    await nc.close();
    await backend.close();
    await server.remove();
  }, 30_000);
}
