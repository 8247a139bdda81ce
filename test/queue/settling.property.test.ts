import { test } from "vitest";
import { startNats } from "../servers/nats.ts";
import { NATS_SERVER } from "../servers/programs.ts";
import { testSettling } from "./settling.ts";
import { openTwice } from "./sqlite_backend.ts";

testSettling("SQLite", openTwice, { runs: 60, leaseMs: 1000 });

if (NATS_SERVER === undefined) {
  test.skip("NATS: nothing is lost (nats-server is not installed)", () => {});
} else {
  testSettling("NATS JetStream", async () => {
    const server = await startNats();
    return {
      backends: [await server.open(), await server.open()],
      advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      remove: () => server.remove(),
    };
  }, { runs: 4, leaseMs: 300 });
}
