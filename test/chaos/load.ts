/**
 * Callers of a run: they send jobs of several kinds and cancel some.
 *
 * @module
 */
import type { Random } from "../../shared/synthetic/random.ts";
import type { Answer, Client } from "./client.ts";
import {
  type KnownImage,
  makeBroken,
  makeDeadly,
  OUTPUTS,
  parametersOf,
} from "./images.ts";
import { padPng, uploadDisturbed } from "./multipart.ts";

/** A job that was accepted. */
export interface SentJob {
  readonly id: string;
  /** Of each image: what it must become; undefined: it cannot succeed. */
  readonly images: readonly (KnownImage | undefined)[];
  /** It was asked to end early. */
  isCancelled: boolean;
}

/** Sends jobs. */
export interface Load {
  readonly sent: SentJob[];
  /** Send one job; resolves when it is accepted. */
  send(kind: JobKind): Promise<SentJob>;
}

/** What is sent. */
export type JobKind =
  | "plain"
  | "broken"
  | "deadly"
  | "cancelled"
  | "in parts";

/** Callers that draw their images from `known`. */
export function createLoad(
  client: Client,
  known: readonly KnownImage[],
  random: Random,
): Load {
  const sent: SentJob[] = [];
  let count = 0;

  async function send(kind: JobKind): Promise<SentJob> {
    const k = ++count;
    const images: (KnownImage | undefined)[] = [];
    const uploads: string[] = [];
    const pause = random.uniform() * 800;
    const picks = Array.from(
      { length: 1 + random.below(3) },
      () => known[random.below(known.length)],
    );
    for (const [i, image] of picks.entries()) {
      const { name } = image;
      uploads.push(
        kind === "in parts" && i === 0
          ? await uploadDisturbed(
            client,
            { name, bytes: padPng(image.bytes, random) },
            { random },
          )
          : await client.upload(name, image.bytes),
      );
      images.push(image);
    }
    if (kind === "broken" || kind === "deadly") {
      const bytes = kind === "broken" ? makeBroken() : makeDeadly();
      uploads.push(await client.upload(`${kind}.png`, bytes));
      images.push(undefined);
    }
    const request = () =>
      client.call("POST", "/v1/jobs", {
        json: {
          images: uploads.map((upload) => ({ upload })),
          parameters: parametersOf(k),
          outputs: OUTPUTS,
        },
        headers: { "idempotency-key": `job-${k}` },
      });
    const { status, body } = await request();
    if (status !== 202) throw new Error(`job: ${JSON.stringify(body)}`);
    const job: SentJob = { id: body.id, images, isCancelled: false };
    sent.push(job);
    // a repeated request is no second job
    const again: Answer = (await request()).body;
    if (again.id !== job.id) throw new Error(`${again.id} is a second job`);
    if (kind === "cancelled") {
      await new Promise((resolve) => setTimeout(resolve, pause));
      const { status } = await client.call("DELETE", `/v1/jobs/${job.id}`);
      // 409: it had ended, or the first try's answer was lost
      if (status !== 200 && status !== 409) {
        throw new Error(`cancel ${job.id}: ${status}`);
      }
      job.isCancelled = true;
    }
    return job;
  }

  return { sent, send };
}
