/**
 * Links to results: `#job=ID&image=0`. Whoever has access to the job sees it;
 * the link itself opens nothing.
 *
 * @module
 */
import * as api from "../service/api.ts";
import { type Doc, planeOf, tell, withBusy } from "../store.ts";
import { takeResult } from "./jobs.ts";
import { openOne } from "./open.ts";

/** What a link names. */
export interface ResultLink {
  readonly job: string;
  /** Index among the images of the job. */
  readonly image: number;
}

/** Read a link from a URL's fragment. */
export function readLink(hash: string): ResultLink | undefined {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const job = given.get("job") ?? "";
  const image = Number(given.get("image") ?? 0);
  const isLink = /^[\w-]{1,64}$/.test(job) && Number.isInteger(image) &&
    image >= 0;
  return isLink ? { job, image } : undefined;
}

/** The link to a result, for the page at a URL. */
export function writeLink({ job, image }: ResultLink, page: string): string {
  const url = new URL(page);
  url.hash = `job=${job}&image=${image}`;
  return url.href;
}

/** Copy the link to an image's result. */
export async function copyLink(image: Doc): Promise<void> {
  const { job } = image.job.value;
  if (job === undefined) return;
  const link = writeLink(
    { job: job.id, image: image.job.value.index ?? 0 },
    globalThis.location.href,
  );
  try {
    await navigator.clipboard.writeText(link);
    tell("note", `Copied: ${link}`);
  } catch {
    tell("note", link);
  }
}

/**
 * Open the result that a link names, with its image.
 *
 * @throws {ServiceError} 401, where a key has to be given first
 */
export async function openLink({ job: id, image: index }: ResultLink) {
  let needsKey: api.ServiceError | undefined;
  await withBusy("Opening the result", async () => {
    try {
      await open(id, index);
    } catch (err) {
      if (!(err instanceof api.ServiceError)) throw err;
      if (err.status === 401) needsKey = err;
      throw new Error(explain(err));
    }
  });
  if (needsKey) throw needsKey;
}

async function open(id: string, index: number): Promise<void> {
  const job = await api.readJob(id);
  const results = await api.readResults(id);
  const result = results[index];
  if (result === undefined) {
    throw new Error(
      `The job has ${results.length} images, the link names number ${
        index + 1
      }`,
    );
  }
  if (result.result === null) {
    throw new Error(
      result.error ??
        `The result is not there yet: the job is ${job.state}. Open the link again later`,
    );
  }
  if (result.upload === null) {
    throw new Error(
      "The image of this result was fetched from elsewhere: open it here, and its labels from the job's files",
    );
  }
  const { name, get } = await api.readUpload(result.upload);
  if (get === undefined) {
    throw new api.ServiceError("The image is not stored", 404);
  }
  const doc = await openOne(new Blob([await api.getSigned(get)]), name);
  doc.job.value = { uploadId: result.upload, job, index };
  if ((planeOf(doc).cells.value?.log.edits.length ?? 0) > 0) {
    tell(
      "note",
      "You have edits of this image here, which are shown; forget them under Correct to see the result",
    );
    return;
  }
  await takeResult(doc, job, index);
}

function explain({ status, message }: api.ServiceError): string {
  if (status === 401) return "Give a key to see this result";
  if (status === 404 || status === 410 || status === 403) {
    return "There is no such result for you: it has expired or was deleted, or it belongs to someone else";
  }
  return message;
}
