/**
 * What a job's images are: uploads, all uploads of a folder, URLs.
 *
 * @module
 */
import type { z } from "zod";
import {
  InvalidRequestError,
  isSegError,
  NotFoundError,
} from "../shared/errors.ts";
import type { ImageRecord } from "../shared/queue/job_types.ts";
import { Id, type JobImage } from "../shared/schema/wire.ts";
import { keyPrefix } from "../shared/storage/keys.ts";
import type { EdgeDeps } from "./deps.ts";
import { findUpload, pathOf, type UploadRecord } from "./stored_uploads.ts";

/** An image of a job. */
export type JobInput = Pick<ImageRecord, "upload" | "url" | "name">;

/** Most images of a job. */
const MAX_IMAGES = 10_000;

/**
 * Find all images of a job.
 *
 * @throws {NotFoundError} for an upload that is not there, an empty folder
 * @throws {InvalidRequestError} for a URL that may not be fetched, too many
 */
export async function readInputs(
  deps: Pick<EdgeDeps, "uploads" | "store" | "guards">,
  tenant: string,
  images: readonly z.infer<typeof JobImage>[],
): Promise<JobInput[]> {
  const found: JobInput[] = [];
  for (const [i, image] of images.entries()) {
    if ("upload" in image) {
      const record = await findUpload(deps, tenant, image.upload);
      const upload = pathOf(image.upload, record);
      found.push({ upload, url: null, name: record.name });
    } else if ("prefix" in image) {
      found.push(...await listFolder(deps, tenant, image.prefix));
    } else {
      found.push(checkUrl(deps, image.url, `/images/${i}/url`));
    }
    if (found.length > MAX_IMAGES) {
      throw new InvalidRequestError([{
        pointer: "/images",
        detail: `are more than ${MAX_IMAGES}; make several jobs`,
      }]);
    }
  }
  return found;
}

async function listFolder(
  { store, uploads }: Pick<EdgeDeps, "uploads" | "store">,
  tenant: string,
  folder: string,
): Promise<JobInput[]> {
  const root = keyPrefix(tenant, "uploads");
  const prefix = `${root}${folder}/`;
  const found: JobInput[] = [];
  let after: string | undefined;
  do {
    const page = await store.list(prefix, after === undefined ? {} : { after });
    for (const { key } of page.objects) {
      const upload = key.slice(root.length);
      const id = upload.slice(upload.lastIndexOf("/") + 1);
      // files may also come into the bucket by other ways than through here
      const record = Id.safeParse(id).success
        ? await uploads.get([tenant, id])
        : undefined;
      const known = record?.value as unknown as UploadRecord | undefined;
      found.push({ upload, url: null, name: known?.name ?? id });
      if (found.length > MAX_IMAGES) return found;
    }
    after = page.next;
  } while (after !== undefined);
  if (found.length === 0) throw new NotFoundError("upload in", `${folder}/`);
  return found;
}

function checkUrl(
  { guards }: Pick<EdgeDeps, "guards">,
  text: string,
  pointer: string,
): JobInput {
  try {
    const url = guards.inputs.check(text);
    const name = url.pathname.split("/").at(-1) || "image";
    return { upload: null, url: text, name: name.slice(0, 200) };
  } catch (err) {
    if (!isSegError(err)) throw err;
    throw new InvalidRequestError([{ pointer, detail: err.message }]);
  }
}
