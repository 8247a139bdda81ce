/**
 * An edge on NATS and S3, until it is killed.
 *
 * @module
 */
import { openNats } from "../../shared/queue/nats.ts";
import { openStore, readConfig } from "./config.ts";
import { tellMemory } from "./memory.ts";
import { serveEdge } from "./serve_edge.ts";
import { createSleeper } from "./sleeper.ts";

const { nats, port, s3 } = readConfig();
tellMemory();
await serveEdge(port, {
  backend: await openNats({ servers: [nats] }),
  store: openStore(s3),
  loadPreview: () => Promise.resolve(createSleeper(0)),
});
