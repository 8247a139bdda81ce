/**
 * Two consumers do, in any order, what consumers can do: lease, finish, give
 * back, reject, renew, die. Whatever they do, nothing is lost and every job is
 * settled once.
 *
 * @module
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { isSegError } from "../../shared/errors.ts";
import type {
  DeadLetter,
  Delivery,
  JobQueue,
  Records,
  StoredRecord,
} from "../../shared/queue/types.ts";
import type { BackendUnderTest } from "./under_test.ts";

/** A step of one of the consumers, or of time. */
type Step =
  | { readonly do: "publish"; readonly job: number }
  | { readonly do: "pull"; readonly consumer: number }
  | { readonly do: "die"; readonly consumer: number }
  | {
    readonly do: "finish" | "finish without ack" | "nak" | "reject" | "extend";
    readonly consumer: number;
    readonly pick: number;
  }
  | { readonly do: "wait"; readonly leases: number };

const JOBS = 6;

const consumer = fc.nat(1);
const held = { consumer, pick: fc.nat(5) };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("publish" as const), job: fc.nat(JOBS - 1) }),
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("pull" as const), consumer }),
  },
  fc.record({ do: fc.constant("die" as const), consumer }),
  ...(["finish", "finish without ack", "nak", "reject", "extend"] as const)
    .map((name) => fc.record({ do: fc.constant(name), ...held })),
  fc.record({
    do: fc.constant("wait" as const),
    leases: fc.constantFrom(0.3, 1.2),
  }),
);

type State = "queued" | "succeeded" | "failed";

/** A delivery, and its job's record as it was when the work began. */
interface Held {
  readonly delivery: Delivery;
  readonly found: StoredRecord<State>;
}

/** Hold an adapter to it. */
export function testSettling(
  name: string,
  open: () => Promise<BackendUnderTest>,
  { runs, leaseMs }: { runs: number; leaseMs: number },
): void {
  test(`${name}: nothing is lost and every job is settled once`, async () => {
    const opened = await open();
    let run = 0;
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 10, maxLength: 40 }),
          (steps) => play(opened, steps, { name: `run-${run++}`, leaseMs }),
        ),
        { numRuns: runs, seed: 7, endOnFailure: true },
      );
      expect(run).toBeGreaterThanOrEqual(runs);
    } finally {
      for (const backend of opened.backends) await backend.close();
      await opened.remove();
    }
  }, 300_000);
}

async function play(
  { backends, advance }: BackendUnderTest,
  steps: readonly Step[],
  { name, leaseMs }: { name: string; leaseMs: number },
): Promise<void> {
  const settled: string[] = [];
  const published = new Set<string>();
  const records = await Promise.all(
    backends.map((backend) => backend.records<State>(name)),
  );
  const queues = await Promise.all(
    backends.map((backend, i) =>
      backend.queue(name, {
        leaseMs,
        maxDeliveries: 3,
        onDead: async ({ id }: DeadLetter) => {
          const found = await read(records[i], id);
          const state = await settle(records[i], found, "failed");
          return state === "succeeded" ? "forget" : undefined;
        },
      })
    ),
  );
  const holding: Held[][] = [[], []];

  async function read(states: Records<State>, id: string) {
    const found = await states.get(["t", id]);
    if (found === undefined) throw new Error(`${id} was never accepted`);
    return found;
  }

  /**
   * Settle a job as it was read, which may be long ago; gives the state that
   * it has then.
   */
  async function settle(
    states: Records<State>,
    found: StoredRecord<State>,
    state: State,
  ): Promise<State> {
    if (found.value !== "queued") return found.value;
    const id = found.key[1];
    try {
      await states.update(["t", id], state, found.revision);
      settled.push(id);
      return state;
    } catch (err) {
      if (!isSegError(err, "conflict")) throw err;
      return await settle(states, await read(states, id), state);
    }
  }

  async function take(step: Step): Promise<void> {
    if (step.do === "wait") return await advance(step.leases * leaseMs);
    if (step.do === "publish") {
      const id = `job-${step.job}`;
      // twice, as two calls with the same idempotency key
      if (!published.has(id)) await records[0].create(["t", id], "queued");
      published.add(id);
      await queues[step.job % 2].publish({ id, body: step.job });
      return;
    }
    const mine = holding[step.consumer];
    if (step.do === "pull") {
      for (const delivery of await queues[step.consumer].pull({ limit: 2 })) {
        const found = await read(records[step.consumer], delivery.id);
        mine.push({ delivery, found });
      }
      return;
    }
    if (step.do === "die") {
      mine.length = 0;
      return;
    }
    const held = mine[step.pick % Math.max(1, mine.length)];
    if (held === undefined) return;
    const { delivery, found } = held;
    if (step.do === "extend") {
      await delivery.extend();
      return;
    }
    mine.splice(mine.indexOf(held), 1);
    if (step.do === "nak") await delivery.nak({ error: "try again" });
    else if (step.do === "reject") await delivery.reject("poison");
    else {
      await settle(records[step.consumer], found, "succeeded");
      if (step.do === "finish") await delivery.ack();
    }
  }

  for (const step of steps) await take(step);

  // a consumer that works as it should finishes what is left
  const queue: JobQueue = queues[0];
  for (;;) {
    const depth = await queue.depth();
    if (depth.waiting + depth.started === 0) break;
    for (const delivery of await queue.pull({ limit: 10 })) {
      const found = await read(records[0], delivery.id);
      await settle(records[0], found, "succeeded");
      await delivery.ack();
    }
    await advance(leaseMs / 2);
  }

  const states = await records[1].list(["t"]);
  expect(states.map(({ key }) => key[1])).toEqual([...published].sort());
  expect(states.filter(({ value }) => value === "queued")).toEqual([]);
  expect(settled.toSorted()).toEqual([...published].sort());
  const failed = states.filter(({ value }) => value === "failed");
  const dead = await queue.deadLetters();
  expect(dead.map(({ id }) => id).sort())
    .toEqual(failed.map(({ key }) => key[1]));
}
