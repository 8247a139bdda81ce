/**
 * Put an edge together from a queue backend, an object store and a model.
 *
 * @module
 */
import { createFetchGuard } from "../shared/net/fetch_guard.ts";
import { openJobBook } from "../shared/queue/jobs.ts";
import { openModelBook } from "../shared/queue/models.ts";
import { openTaskBook, type TaskRef } from "../shared/queue/tasks.ts";
import { openWebhookQueue } from "../shared/queue/webhooks.ts";
import type { Json, QueueBackend } from "../shared/queue/types.ts";
import { createEnd } from "../shared/queue/end_job.ts";
import { openUsageBook } from "../shared/queue/usage.ts";
import type { ObjectStore } from "../shared/storage/types.ts";
import type { Encoder } from "../shared/pipeline/encoder.ts";
import type { PromptModel } from "../shared/pipeline/prompt_model.ts";
import { createRefiner } from "../shared/pipeline/refine.ts";
import type { Core } from "../wasm/mod.ts";
import { openKeyBook } from "./access/keys.ts";
import { createTokenCheck, type OidcSettings } from "./access/oidc.ts";
import { createRateLimit } from "./access/rate.ts";
import { createSessions } from "./access/session.ts";
import type { EdgeDeps, EdgeSettings, Guards, Prompted } from "./deps.ts";
import { createMetrics } from "./metrics.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

/** What an edge is put together from. */
export interface Parts {
  readonly core: Core;
  readonly coreVersion: string;
  readonly backend: QueueBackend;
  readonly store: ObjectStore;
  readonly loadPreview: () => Promise<Encoder>;
  /** Files of the preview's model, for browsers that run it. */
  readonly readModel?: EdgeDeps["readModel"] | undefined;
  /** The model that answers prompts, if there is one. */
  readonly loadPrompted?: (() => Promise<PromptModel>) | undefined;
  /** Where a worker shares the books: what follows a training's last death. */
  readonly onTrainingGivenUp?: (ref: TaskRef) => Promise<void>;
  readonly log: EdgeDeps["log"];
  readonly settings?: Partial<EdgeSettings>;
  /** Default: made of the settings' hosts. */
  readonly guards?: Guards;
  readonly oidc?: OidcSettings;
  /** Signs the page's sessions; only where the server is bound to loopback. */
  readonly sessionSecret?: Uint8Array;
  readonly serveStored?: (request: Request) => Promise<Response>;
  /** ms since 1970. */
  readonly now?: () => number;
  /** The same in all processes; default `LEASE_MS`. */
  readonly leaseMs?: number;
}

/** How long a repeated request finds its first answer, ms. */
const IDEMPOTENCY_MS = 24 * 3600 * 1000;

/** A message comes again so long after its worker's last sign of life, ms. */
export const LEASE_MS = 30_000;

/** Open all books of an edge. */
export async function assembleEdge(parts: Parts): Promise<EdgeDeps> {
  const { backend, now = Date.now } = parts;
  const { metrics, registry } = createMetrics();
  const usage = openUsageBook(
    await backend.records<Json>("usage", { isSoon: true }),
    now,
  );
  const webhooks = await openWebhookQueue(backend);
  const imports = await openTaskBook(backend, "imports", { now });
  const trainings = await openTaskBook(backend, "trainings", {
    now,
    ...(parts.onTrainingGivenUp ? { onGivenUp: parts.onTrainingGivenUp } : {}),
  });
  const settings = { ...DEFAULT_SETTINGS, ...parts.settings };
  let preview: Promise<Encoder> | undefined;
  let prompted: Promise<Prompted> | undefined;
  const { loadPrompted } = parts;
  return {
    settings,
    core: parts.core,
    coreVersion: parts.coreVersion,
    preview: () => {
      preview ??= parts.loadPreview();
      // one that failed is tried again
      preview.catch(() => preview = undefined);
      return preview;
    },
    ...(loadPrompted
      ? {
        prompted: () => {
          prompted ??= loadPrompted().then((model) => ({
            model,
            refiner: createRefiner(parts.core, model),
          }));
          prompted.catch(() => prompted = undefined);
          return prompted;
        },
      }
      : {}),
    store: parts.store,
    backend,
    jobs: await openJobBook(backend, {
      now,
      leaseMs: parts.leaseMs ?? LEASE_MS,
      onEnd: createEnd(usage, webhooks),
    }),
    webhooks,
    imports,
    trainings,
    models: openModelBook(imports, trainings),
    guards: parts.guards ?? {
      webhooks: createFetchGuard({ hosts: settings.webhookHosts }),
      inputs: createFetchGuard({ hosts: settings.fetchHosts }),
    },
    uploads: await backend.records<Json>("uploads"),
    idempotency: await backend.records<Json>("idempotency", {
      ttlMs: IDEMPOTENCY_MS,
      isSoon: true,
    }),
    keys: openKeyBook(await backend.records<Json>("keys"), now),
    usage,
    rates: createRateLimit(now),
    ...(parts.oidc ? { tokens: createTokenCheck(parts.oidc) } : {}),
    ...(parts.sessionSecret
      ? { sessions: createSessions(parts.sessionSecret, now) }
      : {}),
    ...(parts.readModel ? { readModel: parts.readModel } : {}),
    metrics,
    registry,
    now,
    log: parts.log,
    ...(parts.serveStored ? { serveStored: parts.serveStored } : {}),
  };
}
