/**
 * Calls of the service.
 *
 * @module
 */
import type { z } from "zod";
import type {
  ImageResult,
  Job,
  Model,
  Models,
  Preview,
  PromptedCell,
  PromptRequest,
  Quote,
  Results,
  Training,
  Upload,
} from "../../../shared/schema/wire.ts";
import {
  call,
  problemOf,
  put,
  send,
  ServiceError,
  type Signed,
  useKey,
} from "./http.ts";
import type { SegmentParameters } from "../../../shared/schema/parameters.ts";

export { ServiceError, useKey };

/** What the service answers, by its schemas. */
export type WirePreview = z.infer<typeof Preview>;
export type WireJob = z.infer<typeof Job>;
export type WireQuote = z.infer<typeof Quote>;
export type WireModel = z.infer<typeof Model>;
export type WireTraining = z.infer<typeof Training>;
export type WireImageResult = z.infer<typeof ImageResult>;

export type WireModels = z.infer<typeof Models>;
export type WirePrompt = z.input<typeof PromptRequest>;

/** Masks at once. */
export async function preview(
  file: Blob,
  parameters: SegmentParameters,
): Promise<WirePreview> {
  const form = new FormData();
  form.append("image", file, "image");
  form.append(
    "options",
    JSON.stringify({ parameters, network: true, outlines: false }),
  );
  return await call("POST", "/v1/previews", { form });
}

/** Send a file to the store. */
export async function upload(file: Blob, name: string): Promise<string> {
  const sha256 = await digest(file);
  const announced = await call<z.infer<typeof Upload>>("POST", "/v1/uploads", {
    json: { name, bytes: file.size, sha256 },
  });
  if (announced.put) await put(announced.put, file);
  const { multipart } = announced;
  if (multipart) {
    for (let number = 1; number <= multipart.parts; number++) {
      if (multipart.received.includes(number)) continue;
      const from = (number - 1) * multipart.partBytes;
      const part = file.slice(from, from + multipart.partBytes);
      const signed = await call<Signed>(
        "POST",
        `/v1/uploads/${announced.id}/parts`,
        { json: { number, sha256: await digest(part) } },
      );
      await put(signed, part);
    }
    await call("POST", `/v1/uploads/${announced.id}/complete`, {});
  }
  return announced.id;
}

/** An upload, and where to get it. */
export const readUpload = (id: string): Promise<z.infer<typeof Upload>> =>
  call("GET", `/v1/uploads/${id}`, {});

/** One cell of an upload, by points or a box. */
export const prompt = (
  json: WirePrompt,
): Promise<z.infer<typeof PromptedCell>> =>
  call("POST", "/v1/prompts", { json });

/** What a job would take. */
export function quote(
  uploads: readonly string[],
  parameters: SegmentParameters,
  model: string,
): Promise<WireQuote> {
  return call("POST", "/v1/jobs", {
    json: {
      images: uploads.map((id) => ({ upload: id })),
      parameters,
      dryRun: true,
      ...chosenModel(model),
    },
  });
}

/** Start a job at full resolution. */
export function startJob(
  uploads: readonly string[],
  parameters: SegmentParameters,
  model: string,
): Promise<WireJob> {
  return call("POST", "/v1/jobs", {
    json: {
      images: uploads.map((id) => ({ upload: id })),
      parameters,
      outputs: ["tif"],
      ...chosenModel(model),
    },
  });
}

/** How a job is. */
export const readJob = (id: string): Promise<WireJob> =>
  call("GET", `/v1/jobs/${id}`, {});

/** Cancel a job. */
export const cancelJob = (id: string): Promise<WireJob> =>
  call("DELETE", `/v1/jobs/${id}`, {});

/** Outputs of a job. */
export async function readResults(id: string): Promise<WireImageResult[]> {
  const all: WireImageResult[] = [];
  for (let after: number | null = -1; after !== null;) {
    const page: z.infer<typeof Results> = await call(
      "GET",
      `/v1/jobs/${id}/results?after=${after}`,
      {},
    );
    all.push(...page.images);
    after = page.next;
  }
  return all;
}

/** Tune a model on labelled uploads. */
export function startTraining(
  images: readonly { upload: string; labels: string }[],
  { name, minutes }: { name: string; minutes: number },
): Promise<WireTraining> {
  return call("POST", "/v1/trainings", {
    json: { images, name, settings: { minutes } },
  });
}

/** How a training is. */
export const readTraining = (id: string): Promise<WireTraining> =>
  call("GET", `/v1/trainings/${id}`, {});

/** Cancel a training. */
export const cancelTraining = (id: string): Promise<WireTraining> =>
  call("DELETE", `/v1/trainings/${id}`, {});

/** Trainings, the newest first. */
export async function listTrainings(): Promise<WireTraining[]> {
  const { trainings } = await call<{ trainings: WireTraining[] }>(
    "GET",
    "/v1/trainings?limit=200",
    {},
  );
  return trainings;
}

/** Models of the service. */
export const listModels = (): Promise<WireModels> =>
  call("GET", "/v1/models", {});

/** A file of the service's model. */
export async function readModelFile(
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await send("GET", `/v1/models/default/files/${name}`, {});
  return new Uint8Array(await answer.arrayBuffer());
}

/** Get what a signed call names. */
export async function getSigned(
  { url, headers }: { url: string; headers: Readonly<Record<string, string>> },
): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await fetch(url, { headers });
  if (!answer.ok) throw await problemOf(answer);
  return new Uint8Array(await answer.arrayBuffer());
}

/**
 * Follow a job's events until it ends or `signal` says so.
 *
 * `EventSource` takes no headers, so the stream is read by hand.
 */
export async function follow(
  path: string,
  onEvent: (type: string, data: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const answer = await send("GET", `/v1/${path}/events`, { signal });
  if (answer.body === null) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const line = (name: string) =>
        event.split("\n").find((each) => each.startsWith(`${name}:`))
          ?.slice(name.length + 1).trim();
      const data = line("data");
      if (data !== undefined) onEvent(line("event") ?? "", JSON.parse(data));
    }
  }
}

async function digest(blob: Blob): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return Array.from(
    new Uint8Array(bytes),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}

function chosenModel(model: string): { model?: string } {
  return model === "default" ? {} : { model };
}
