import { test } from "vitest";
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
}
