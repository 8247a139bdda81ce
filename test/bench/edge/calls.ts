/**
 * The calls that are timed, over HTTP.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Served } from "./serve.ts";

/** JSON of any shape. */
// deno-lint-ignore no-explicit-any
type Answer = any;

/** What a job took, ms. */
export interface JobTimes {
  /** From the request for the job to the event of its end. */
  readonly total: number;
  readonly encode: number;
  /** Of the diameter: the network and masks at a smaller scale. */
  readonly estimate: number;
  /** Masks from flows. */
  readonly dynamics: number;
}

/** Calls of a service. */
export function createCalls({ url, key }: Pick<Served, "url" | "key">) {
  const authorization = `Bearer ${key}`;

  async function call(
    path: string,
    init: RequestInit & { json?: unknown } = {},
  ): Promise<Answer> {
    const { json, ...rest } = init;
    const answer = await fetch(`${url}${path}`, {
      ...rest,
      headers: {
        authorization,
        ...(json === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(json === undefined
        ? {}
        : { method: "POST", body: JSON.stringify(json) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    const isJson = answer.headers.get("content-type")?.includes("json");
    return isJson ? JSON.parse(text) : text;
  }

  function form(files: Record<string, Uint8Array<ArrayBuffer>>) {
    const body = new FormData();
    for (const [name, bytes] of Object.entries(files)) {
      body.append(name, new File([bytes], `${name}.tif`));
    }
    return { method: "POST", body };
  }

  async function upload(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const { id, put } = await call("/v1/uploads", {
      json: { name: "image.tif", bytes: bytes.length, sha256 },
    });
    const sent = await fetch(put.url, {
      method: "PUT",
      headers: put.headers,
      body: bytes,
    });
    if (!sent.ok) throw new Error(`PUT: ${sent.status} ${await sent.text()}`);
    return id;
  }

  return {
    call,
    upload,
    preview: (image: Uint8Array<ArrayBuffer>) =>
      call("/v1/previews", form({ image })),
    score: (
      truth: Uint8Array<ArrayBuffer>,
      prediction: Uint8Array<ArrayBuffer>,
    ) => call("/v1/scores", form({ truth, prediction })),
    /** A job of one image, from its request to its end. */
    async job(
      bytes: Uint8Array<ArrayBuffer>,
    ): Promise<JobTimes & { id: string }> {
      const image = await upload(bytes);
      const from = performance.now();
      const { id } = await call("/v1/jobs", {
        json: { images: [{ upload: image }] },
      });
      const events: string = await call(`/v1/jobs/${id}/events`);
      const total = performance.now() - from;
      if (!/"state":"succeeded"/.test(events)) throw new Error(events);
      const { images } = await call(`/v1/jobs/${id}/results`);
      const { run: { timings } } = await fetch(
        images[0].files["result.json"].url,
      )
        .then((answer) => answer.json());
      const { encode, estimate, masks } = timings;
      if (!(encode >= 0 && estimate >= 0 && masks >= 0)) {
        throw new Error(`timings: ${JSON.stringify(timings)}`);
      }
      return { id, total, encode, estimate, dynamics: masks };
    },
  };
}
