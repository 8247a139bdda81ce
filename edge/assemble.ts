/**
 * Put an edge together from a queue backend, an object store and a model.
 *
 * @module
 */
import { openJobBook } from "../shared/queue/jobs.ts";
import type { JobRecord } from "../shared/queue/job_types.ts";
import type { Json, QueueBackend } from "../shared/queue/types.ts";
import type { ObjectStore } from "../shared/storage/types.ts";
import type { Encoder } from "../shared/pipeline/encoder.ts";
import type { Core } from "../wasm/mod.ts";
import { openKeyBook } from "./access/keys.ts";
import { createTokenCheck, type OidcSettings } from "./access/oidc.ts";
import { createRateLimit } from "./access/rate.ts";
import { createSessions } from "./access/session.ts";
import { openUsageBook } from "./access/usage.ts";
import type { EdgeDeps, EdgeSettings } from "./deps.ts";
import { createMetrics } from "./metrics.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

/** What an edge is put together from. */
export interface Parts {
  readonly core: Core;
  readonly coreVersion: string;
  readonly backend: QueueBackend;
  readonly store: ObjectStore;
  readonly loadPreview: () => Promise<Encoder>;
  readonly log: EdgeDeps["log"];
  readonly settings?: Partial<EdgeSettings>;
  readonly oidc?: OidcSettings;
  /** Signs the page's sessions; only where the server is bound to loopback. */
  readonly sessionSecret?: Uint8Array;
  readonly serveStored?: (request: Request) => Promise<Response>;
  /** ms since 1970. */
  readonly now?: () => number;
}

/** How long a repeated request finds its first answer, ms. */
const IDEMPOTENCY_MS = 24 * 3600 * 1000;

/** A message comes again so long after its worker's last sign of life, ms. */
export const LEASE_MS = 30_000;

/** Open all books of an edge. */
export async function assembleEdge(parts: Parts): Promise<EdgeDeps> {
  const { backend, now = Date.now } = parts;
  const { metrics, registry } = createMetrics();
  const usage = openUsageBook(await backend.records<Json>("usage"), now);
  let preview: Promise<Encoder> | undefined;
  return {
    settings: { ...DEFAULT_SETTINGS, ...parts.settings },
    core: parts.core,
    coreVersion: parts.coreVersion,
    preview: () => {
      preview ??= parts.loadPreview();
      // one that failed is tried again
      preview.catch(() => preview = undefined);
      return preview;
    },
    store: parts.store,
    backend,
    jobs: await openJobBook(backend, {
      now,
      leaseMs: LEASE_MS,
      onEnd: (job) => charge(usage, job),
    }),
    uploads: await backend.records<Json>("uploads"),
    idempotency: await backend.records<Json>("idempotency", {
      ttlMs: IDEMPOTENCY_MS,
    }),
    keys: openKeyBook(await backend.records<Json>("keys"), now),
    usage,
    rates: createRateLimit(now),
    ...(parts.oidc ? { tokens: createTokenCheck(parts.oidc) } : {}),
    ...(parts.sessionSecret
      ? { sessions: createSessions(parts.sessionSecret, now) }
      : {}),
    metrics,
    registry,
    now,
    log: parts.log,
    ...(parts.serveStored ? { serveStored: parts.serveStored } : {}),
  };
}

/** A job is charged to the key that asked for it, when it ends. */
function charge(usage: EdgeDeps["usage"], job: JobRecord): Promise<void> {
  const share = job.total === 0 ? 0 : job.succeeded / job.total;
  return usage.add({ tenant: job.tenant, id: job.key }, {
    images: job.succeeded,
    pixels: job.quote.pixels * share,
    tiles: job.quote.tiles * share,
    gpuSeconds: job.gpuSeconds,
    price: job.price,
  }, { id: job.id, atMs: job.finished ?? job.created });
}
