/**
 * What goes wrong in a run, one thing after the other, by seed.
 *
 * @module
 */
import type { Random } from "../../shared/synthetic/random.ts";
import type { JobQueue } from "../../shared/queue/types.ts";
import type { NatsServer } from "../servers/nats.ts";
import {
  type FaultProxy,
  STORE_FAULTS,
  type StoreFault,
} from "./fault_proxy.ts";
import type { Load } from "./load.ts";
import type { ProcessConfig } from "./config.ts";
import type { Supervised } from "./supervisor.ts";

/** What can be disturbed. */
export interface Stage {
  readonly workers: readonly Supervised<ProcessConfig>[];
  readonly edge: Supervised<ProcessConfig>;
  readonly nats: NatsServer;
  readonly proxy: FaultProxy;
  readonly load: Load;
  /** Jobs that are being sent. */
  readonly sending: { push(job: Promise<unknown>): void };
  readonly queue: JobQueue;
  readonly tenant: string;
}

/** Kinds of faults, and how often each is drawn. */
const KINDS = {
  "worker killed": 4,
  "worker's clock skewed": 1,
  "edge killed in an upload": 3,
  "upload in parts disturbed": 2,
  "NATS restarted": 2,
  "store refused": 2,
  "store unanswered": 2,
  "store slow": 2,
  "store partial": 2,
  "store reset": 2,
  "deliveries doubled": 2,
  "image broken": 2,
  "image deadly": 1,
  "cancel race": 4,
} as const;

/** A kind of fault. */
export type FaultKind = keyof typeof KINDS;

/** Each ends four workers: few of them. */
const MAX_DEADLY = 4;
const MAX_SKEW_MS = 10 * 60_000;

/** Kinds in the order they happen: each at least once, if `count` allows. */
export function planFaults(count: number, random: Random): FaultKind[] {
  const kinds = Object.keys(KINDS) as FaultKind[];
  const bag = kinds.flatMap((kind) => Array<FaultKind>(KINDS[kind]).fill(kind));
  const plan: FaultKind[] = [];
  let deadly = 0;
  while (plan.length < count) {
    const kind = plan.length < kinds.length
      ? kinds[plan.length]
      : bag[random.below(bag.length)];
    if (kind === "image deadly" && ++deadly > MAX_DEADLY) continue;
    plan.push(kind);
  }
  // in any order
  for (let i = plan.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [plan[i], plan[j]] = [plan[j], plan[i]];
  }
  return plan;
}

/** Let one thing go wrong; jobs that it sends go to `sending`. */
export async function inject(
  stage: Stage,
  kind: FaultKind,
  random: Random,
): Promise<void> {
  const { workers, edge, nats, proxy, load, sending } = stage;
  const worker = workers[random.below(workers.length)];
  switch (kind) {
    case "worker killed":
      await worker.kill();
      return;
    case "worker's clock skewed":
      await worker.kill({
        skewMs: Math.round((2 * random.uniform() - 1) * MAX_SKEW_MS),
      });
      return;
    case "edge killed in an upload": {
      sending.push(load.send("plain"));
      await pause(random.uniform() * 60);
      await edge.kill();
      return;
    }
    case "upload in parts disturbed":
      sending.push(load.send("in parts"));
      return;
    case "NATS restarted":
      await nats.kill();
      await pause(random.uniform() * 1500);
      await nats.restart();
      return;
    case "deliveries doubled":
      await double(stage, random);
      return;
    case "image broken":
      sending.push(load.send("broken"));
      return;
    case "image deadly":
      sending.push(load.send("deadly"));
      return;
    case "cancel race":
      sending.push(load.send("cancelled"));
      return;
    default: {
      const fault = kind.split(" ")[1] as StoreFault;
      if (!STORE_FAULTS.includes(fault)) throw new Error(kind);
      proxy.disturb(fault, 2 + random.below(6));
    }
  }
}

/** Tasks that come again, in another order, though they are done. */
async function double(
  { load, queue, tenant }: Stage,
  random: Random,
): Promise<void> {
  const { sent } = load;
  if (sent.length === 0) return;
  for (let i = 0; i < 3; i++) {
    const { id, images } = sent[random.below(sent.length)];
    const index = random.below(images.length);
    const body = { tenant, job: id, index };
    const name = `${id}.${index}.again-${random.below(1e9)}`;
    await queue.publish({ id: name, body });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
