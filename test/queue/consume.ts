/**
 * A worker process on one SQLite file, for `processes.test.ts`:
 *
 *   deno run -A test/queue/consume.ts FILE NAME
 *
 * Settles every job that it can lease and prints its id; ends when the queue
 * is empty.
 *
 * @module
 */
import process from "node:process";
import { isSegError } from "../../shared/errors.ts";
import { openSqlite } from "../../shared/queue/sqlite.ts";

const [path, name] = process.argv.slice(2);
const backend = openSqlite({ path });
const queue = await backend.queue("jobs", { leaseMs: 1500, maxDeliveries: 9 });
const records = await backend.records<string>("jobs");

for (;;) {
  const deliveries = await queue.pull({ limit: 4, waitMs: 200 });
  for (const delivery of deliveries) {
    const key = ["t", delivery.id];
    const found = await records.get(key);
    if (found?.value === "queued") {
      // a unit of work
      await new Promise((resolve) => setTimeout(resolve, 5));
      try {
        await records.update(key, `settled by ${name}`, found.revision);
        process.stdout.write(`${delivery.id}\n`);
      } catch (err) {
        if (!isSegError(err, "conflict")) throw err;
      }
    }
    await delivery.ack();
  }
  const { waiting, started } = await queue.depth();
  if (waiting + started === 0) break;
}
await backend.close();
