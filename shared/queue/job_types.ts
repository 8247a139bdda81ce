/**
 * What is kept of jobs and their images, and the book that keeps it.
 *
 * @module
 */
import type { SegmentParameters } from "../schema/parameters.ts";
import type { Events, JobQueue } from "./types.ts";

/** States of a job or an image; the last three are final. */
export type State =
  | "queued"
  | "running"
  | "succeeded"
  | "failed"
  | "cancelled";

/** How a task may be run, by what became of it before. */
export type Care =
  | "beside others"
  /** It may end its process: nothing else must be taken along. */
  | "alone"
  | { readonly giveUp: string };

/** What a job is asked to do; the same for all its images. */
export interface JobWork {
  readonly parameters: SegmentParameters;
  /** Model's id; the worker resolves it. */
  readonly model: string;
  /** Kinds of outputs. */
  readonly outputs: readonly string[];
  readonly webhook: string | null;
}

/** What a job would take, and costs. */
export interface JobQuote {
  readonly images: number;
  readonly pixels: number;
  readonly tiles: number;
  readonly gpuSeconds: number;
  readonly price: number;
  readonly currency: string;
  readonly cached: number;
}

/** What is kept of a job. */
export interface JobRecord extends JobWork {
  readonly id: string;
  readonly tenant: string;
  /** Of the key that asked for it: its usage is charged. */
  readonly key: string;
  readonly state: State;
  /** ms since 1970. */
  readonly created: number;
  readonly started: number | null;
  readonly finished: number | null;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  /** One bit an image: settled. Base64. */
  readonly settled: string;
  readonly gpuSeconds: number;
  readonly price: number;
  readonly quote: JobQuote;
  /** All messages are in the queue. */
  readonly isPublished: boolean;
  /** All that follows from its end is done: event, charge, webhook. */
  readonly isClosed: boolean;
  readonly error: string | null;
}

/** What is kept of an image of a job. */
export interface ImageRecord {
  /** Where it is among the tenant's uploads: `ID`, or `FOLDER/NAME`. */
  readonly upload: string | null;
  /** Where the worker fetches it, if it is no upload. */
  readonly url: string | null;
  readonly name: string;
  readonly state: State;
  /** Times that it was begun. */
  readonly attempts: number;
  /** Of these, how often its worker ended without a word. */
  readonly deaths?: number;
  readonly error: string | null;
  readonly result: string | null;
  readonly count: number | null;
  readonly files: readonly string[];
  /** Seconds of the encoder, and what they cost. */
  readonly gpuSeconds: number;
  readonly price: number;
}

/** How an image ended. */
export interface ImageOutcome {
  readonly state: "succeeded" | "failed";
  readonly error?: string;
  readonly result?: string;
  readonly count?: number;
  readonly files?: readonly string[];
  /** Seconds of the encoder; 0 where the result was known. */
  readonly gpuSeconds: number;
  /** In the currency of the quote. */
  readonly price: number;
}

/** What a message of the queue says. */
export interface ImageTask {
  readonly tenant: string;
  readonly job: string;
  readonly index: number;
}

/** A new job. */
export interface NewJob extends JobWork {
  readonly id: string;
  readonly tenant: string;
  readonly key: string;
  readonly images: readonly Pick<ImageRecord, "upload" | "url" | "name">[];
  readonly quote: JobQuote;
}

/** An image that a worker may work on. */
export interface StartedImage {
  readonly job: JobRecord;
  readonly image: ImageRecord;
}

/** The book of jobs; edge and workers share it through the backend. */
export interface JobBook {
  readonly queue: JobQueue;
  /** Write a job down, then queue its images. */
  create(job: NewJob): Promise<JobRecord>;
  /** @throws {NotFoundError} also for another tenant's */
  get(tenant: string, id: string): Promise<JobRecord>;
  list(
    tenant: string,
    options: { after?: string; limit: number },
  ): Promise<readonly JobRecord[]>;
  images(
    tenant: string,
    id: string,
    page: { after: number; limit: number },
  ): Promise<readonly { index: number; image: ImageRecord }[]>;
  image(task: ImageTask): Promise<ImageRecord>;
  /** How an image may be run. */
  judge(task: ImageTask): Promise<Care>;
  /** Begin an image; undefined where its job or itself has ended. */
  start(task: ImageTask): Promise<StartedImage | undefined>;
  /**
   * Record that an attempt failed though its worker lives.
   *
   * @returns false: it was the last one
   */
  release(task: ImageTask): Promise<boolean>;
  /** Settle an image, and its job with the last one. Repeats do nothing. */
  settle(task: ImageTask, outcome: ImageOutcome): Promise<JobRecord>;
  /** @throws {ConflictError} if it has ended already */
  cancel(tenant: string, id: string): Promise<JobRecord>;
  /** Tell how far an image is. */
  report(
    task: ImageTask,
    progress: { done: number; total: number },
  ): Promise<void>;
  /** The job's record as it changes, until the signal. */
  watch(
    tenant: string,
    id: string,
    signal: AbortSignal,
  ): AsyncIterable<JobRecord>;
  readonly events: Events;
  /** Queue again what was written down but perhaps not queued. */
  republish(tenant: string, id: string): Promise<void>;
  /** Jobs that are not over, in the order of tenants and ids. */
  open(
    options: { readonly after?: OpenJob; readonly limit: number },
  ): Promise<readonly OpenJob[]>;
  /**
   * Go on with jobs that were begun before `beforeMs` and whose edge or worker
   * fell: queue what was only written down, close what has ended.
   *
   * @returns how many were mended
   */
  sweep(beforeMs: number): Promise<number>;
}

/** A job that is not over. */
export interface OpenJob {
  readonly tenant: string;
  readonly id: string;
  /** When it was begun, ms since 1970. */
  readonly since: number;
}

/** How jobs are delivered. */
export interface JobBookOptions {
  /** ms since 1970. */
  readonly now: () => number;
  /** A worker that says nothing for so long is gone; default 30 s. */
  readonly leaseMs?: number;
  /** An image is begun so often; default 4. */
  readonly maxAttempts?: number;
  /**
   * Called after a job's record says that it ended; again where whoever called
   * fell before it was done, so it must bear repetition.
   */
  readonly onEnd?: (job: JobRecord) => Promise<void>;
}

const FINAL: readonly State[] = ["succeeded", "failed", "cancelled"];

/** True for a state that never changes again. */
export function isFinal(state: State): boolean {
  return FINAL.includes(state);
}
