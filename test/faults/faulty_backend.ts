/**
 * A queue backend that goes wrong as a real one does: calls that fail before
 * or after they are done; deliveries that are lost, doubled or reordered.
 *
 * @module
 */
import { QueueError } from "../../shared/errors.ts";
import type {
  Delivery,
  Events,
  JobQueue,
  Json,
  QueueBackend,
  Records,
} from "../../shared/queue/types.ts";
import type { Faults } from "./faults.ts";

/** A backend whose calls go wrong as `faults` says; opening never does. */
export function faultyBackend(
  backend: QueueBackend,
  faults: Faults,
): QueueBackend {
  const call = <T>(operation: string, run: () => Promise<T>) =>
    faults.call(
      run,
      (how) => new QueueError(operation, { detail: `injected: ${how}` }),
    );

  const faultyDelivery = (delivery: Delivery): Delivery => ({
    ...delivery,
    extend: () => call("extend", () => delivery.extend()),
    ack: () => call("ack", () => delivery.ack()),
    nak: (options) => call("nak", () => delivery.nak(options)),
    reject: (error) => call("reject", () => delivery.reject(error)),
  });

  const faultyQueue = (queue: JobQueue): JobQueue => ({
    publish: (message) => call("publish", () => queue.publish(message)),
    pull: (options) =>
      call("pull", async () => {
        const deliveries = (await queue.pull(options)).map(faultyDelivery);
        return faults.isPartial() ? disturb(deliveries, faults) : deliveries;
      }),
    depth: () => call("depth", () => queue.depth()),
    deadLetters: (options) =>
      call("deadLetters", () => queue.deadLetters(options)),
    revive: (id) => call("revive", () => queue.revive(id)),
    bury: (id) => call("bury", () => queue.bury(id)),
  });

  const faultyRecords = <Value extends Json>(
    records: Records<Value>,
  ): Records<Value> => ({
    create: (key, value) => call("create", () => records.create(key, value)),
    get: (key) => call("get", () => records.get(key)),
    update: (key, value, revision) =>
      call("update", () => records.update(key, value, revision)),
    delete: (key) => call("delete", () => records.delete(key)),
    list: (prefix, options) =>
      call("list", () => records.list(prefix, options)),
    watch: (key, signal) => records.watch(key, signal),
  });

  const faultyEvents = (events: Events): Events => ({
    append: (key, event) => call("append", () => events.append(key, event)),
    read: (key, options) => call("read", () => events.read(key, options)),
    follow: (key, options) => events.follow(key, options),
    purge: (key) => call("purge", () => events.purge(key)),
  });

  return {
    queue: async (name, options) =>
      faultyQueue(await backend.queue(name, options)),
    records: async <Value extends Json>(
      bucket: string,
      options?: { readonly ttlMs?: number },
    ) => faultyRecords(await backend.records<Value>(bucket, options)),
    events: async (name, options) =>
      faultyEvents(await backend.events(name, options)),
    ping: () => backend.ping(),
    close: () => backend.close(),
  };
}

/** Lose, double or move one delivery. */
function disturb(deliveries: Delivery[], faults: Faults): Delivery[] {
  const at = faults.below(deliveries.length + 1);
  const rest = deliveries.toSpliced(at, 1);
  const one = deliveries.slice(at, at + 1);
  const ways = [rest, [...deliveries, ...one], [...rest, ...one]];
  return ways[faults.below(ways.length)];
}
