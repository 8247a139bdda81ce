/**
 * What the edge is made of: everything that has a side effect comes in here.
 *
 * @module
 */
import type { Registry } from "prom-client";
import type { FetchGuard } from "../shared/net/fetch_guard.ts";
import type { JobBook } from "../shared/queue/job_types.ts";
import type { ModelBook } from "../shared/queue/models.ts";
import type { TaskBook } from "../shared/queue/tasks.ts";
import type {
  JobQueue,
  Json,
  QueueBackend,
  Records,
} from "../shared/queue/types.ts";
import type { UsageBook } from "../shared/queue/usage.ts";
import type { ObjectStore } from "../shared/storage/types.ts";
import type { Encoder } from "../shared/pipeline/encoder.ts";
import type { PromptModel } from "../shared/pipeline/prompt_model.ts";
import type { Refiner } from "../shared/pipeline/refine.ts";
import type { Core } from "../wasm/mod.ts";
import type { KeyBook } from "./access/keys.ts";
import type { TokenCheck } from "./access/oidc.ts";
import type { RateLimit } from "./access/rate.ts";
import type { Sessions } from "./access/session.ts";
import type { Metrics } from "./metrics.ts";

/** What may be set from outside; all have defaults in `edge/settings.ts`. */
export interface EdgeSettings {
  /** Largest body that is read, bytes: inline previews and scores. */
  readonly maxBodyBytes: number;
  /** Largest stored object that is read here whole: uploads, flows. */
  readonly maxStoredBytes: number;
  /** Larger files are sent in parts, bytes. */
  readonly maxSinglePutBytes: number;
  /** Of a part, bytes: 1 TiB in 10,000 of them needs 105 MiB. */
  readonly partBytes: number;
  /** Most pixels of an image that a preview decodes. */
  readonly maxPreviewPixels: number;
  /** Until a request's body must have come, ms. */
  readonly timeoutMs: number;
  /** Between two pieces of a body, ms. */
  readonly idleMs: number;
  /** Origins that pages may call from; "*" for any. */
  readonly corsOrigins: readonly string[];
  /** Origins of signed URLs beside the edge's own: the page calls them. */
  readonly storeOrigins: readonly string[];
  /** What a second of the encoder costs. */
  readonly pricePerGpuSecond: number;
  readonly currency: string;
  /** Tiles a second that a quote reckons with. */
  readonly tilesPerSecond: number;
  /** Hosts that webhooks may call; none: webhooks are off. */
  readonly webhookHosts: readonly string[];
  /** Hosts that inputs may be fetched from; none: fetching is off. */
  readonly fetchHosts: readonly string[];
  /** Seconds that signed URLs live, at most 900. */
  readonly signedSeconds: number;
}

/** What may be called on behalf of users. */
export interface Guards {
  readonly webhooks: FetchGuard;
  readonly inputs: FetchGuard;
}

/** A model that answers prompts, and the features of the last images. */
export interface Prompted {
  readonly model: PromptModel;
  readonly refiner: Refiner;
}

/** Everything that the routes use. */
export interface EdgeDeps {
  readonly settings: EdgeSettings;
  readonly core: Core;
  /** Version of the code that turns images into masks. */
  readonly coreVersion: string;
  /** The model that previews; loaded when first asked for. */
  readonly preview: () => Promise<Encoder>;
  /** Files of that model, for browsers that run it; absent: not given out. */
  readonly readModel?: (name: string) => Promise<Uint8Array<ArrayBuffer>>;
  /** The model that answers prompts; absent: none is offered. */
  readonly prompted?: () => Promise<Prompted>;
  readonly store: ObjectStore;
  readonly backend: QueueBackend;
  readonly jobs: JobBook;
  readonly webhooks: JobQueue;
  readonly imports: TaskBook;
  readonly trainings: TaskBook;
  readonly models: ModelBook;
  /** What webhooks may call, and inputs be fetched from. */
  readonly guards: Guards;
  readonly uploads: Records<Json>;
  readonly idempotency: Records<Json>;
  readonly keys: KeyBook;
  readonly usage: UsageBook;
  readonly rates: RateLimit;
  readonly tokens?: TokenCheck;
  readonly sessions?: Sessions;
  readonly metrics: Metrics;
  readonly registry: Registry;
  /** ms since 1970. */
  readonly now: () => number;
  /** One line of the log. */
  readonly log: (entry: Readonly<Record<string, Json>>) => void;
  /** Serves the URLs that the folder store signs; absent with S3. */
  readonly serveStored?: (request: Request) => Promise<Response>;
}
