/**
 * One pull of a JetStream consumer, and the leases that it brings.
 *
 * The client library's `fetch` waits at least a second, and until a batch is
 * full; here a pull ends with the first message, and leases no more than what
 * was asked for. The requests are those of the protocol (NATS ADR-37).
 *
 * @module
 */
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { createInbox } from "@nats-io/transport-node";
import { QueueError } from "../../errors.ts";
import { ANSWER_MS, nanos } from "./home.ts";

/** A pull request as the server takes it. */
interface PullRequest {
  readonly batch: number;
  readonly no_wait?: boolean;
  /** ns. */
  readonly expires?: number;
}

/** A message on lease, and where it stands. */
export interface Leased {
  readonly message: Msg;
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** Of the message in its stream. */
  readonly seq: number;
  /** ms since 1970. */
  readonly publishedMs: number;
  /** When it was asked for: the lease began then, or later. */
  readonly leasedAt: number;
}

/** One wait is at most so long: a server that restarts forgets it. */
const WAIT_MS = 5_000;

/**
 * Lease what is there, or wait for one message and lease what is there then.
 *
 * @param subject  of the consumer's pull requests
 */
export async function pullMessages(
  { nc, subject, signal }: {
    readonly nc: NatsConnection;
    readonly subject: string;
    readonly signal: AbortSignal;
  },
  { limit, waitMs }: { readonly limit: number; readonly waitMs: number },
): Promise<Leased[]> {
  const ask = (request: PullRequest) =>
    askOnce({ nc, subject, signal }, request);
  const deadline = performance.now() + waitMs;
  const found = await ask({ batch: limit, no_wait: true });
  while (found.length === 0 && !signal.aborted) {
    const left = Math.floor(Math.min(deadline - performance.now(), WAIT_MS));
    if (left <= 0) break;
    found.push(...await ask({ batch: 1, expires: nanos(left) }));
    if (found.length > 0 && limit > 1) {
      found.push(...await ask({ batch: limit - 1, no_wait: true }));
    }
  }
  return found;
}

async function askOnce(
  { nc, subject, signal }: {
    readonly nc: NatsConnection;
    readonly subject: string;
    readonly signal: AbortSignal;
  },
  request: PullRequest,
): Promise<Leased[]> {
  if (signal.aborted) return [];
  const reply = createInbox();
  const answers = nc.subscribe(reply, { max: request.batch + 1 });
  // what is under way when the wait ends still arrives before the end
  const stop = () => {
    answers.drain().catch(() => {});
  };
  let isSilent = false;
  const limitMs = (request.expires ?? 0) / 1_000_000 + ANSWER_MS;
  const timer = setTimeout(() => {
    isSilent = true;
    stop();
  }, limitMs);
  signal.addEventListener("abort", stop);
  const leased: Leased[] = [];
  try {
    const leasedAt = performance.now();
    nc.publish(subject, JSON.stringify(request), { reply });
    for await (const message of answers) {
      const code = message.headers?.code ?? 0;
      if (code === 503) throw unanswered("no consumer answers");
      // 404: none there; 408: no more of them, or the wait is over
      if (code >= 400) break;
      if (code > 0) continue;
      leased.push(readLease(message, leasedAt));
      if (leased.length === request.batch) break;
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    if (!answers.isClosed()) answers.unsubscribe();
  }
  if (isSilent && leased.length === 0 && !signal.aborted) {
    throw unanswered(`no answer within ${limitMs} ms`);
  }
  return leased;
}

function unanswered(detail: string): QueueError {
  return new QueueError("pull", { detail });
}

/**
 * What an acknowledgement's subject tells of a message: `$JS.ACK`, in newer
 * servers a domain and an account, then stream, consumer, deliveries, sequence
 * in the stream and in the consumer, ns since 1970, pending.
 */
function readLease(message: Msg, askedAt: number): Leased {
  const tokens = (message.reply ?? "").split(".");
  const at = tokens.length >= 11 ? 6 : 4;
  const [attempt, seq, , timestamp] = tokens.slice(at);
  return {
    message,
    attempt: Number(attempt),
    seq: Number(seq),
    publishedMs: Number(BigInt(timestamp) / 1_000_000n),
    leasedAt: askedAt,
  };
}
