/**
 * Uploads of a tenant: what is kept of each, where it is, and its bytes.
 *
 * @module
 */
import { isSegError, NotFoundError } from "../shared/errors.ts";
import { objectKey } from "../shared/storage/keys.ts";
import { readBytes } from "../shared/storage/read_bytes.ts";
import type {
  MultipartUpload,
  ObjectStore,
  UploadedPart,
} from "../shared/storage/types.ts";
import type { EdgeDeps } from "./deps.ts";

/** What is kept of an upload. */
export interface UploadRecord {
  readonly name: string;
  readonly bytes: number;
  readonly mediaType: string;
  readonly sha256: string;
  /** ms since 1970. */
  readonly created: number;
  /** Of the store, for files in parts. */
  readonly multipart: string | null;
  /** Folder among the tenant's uploads. */
  readonly folder?: string;
}

/**
 * An upload of a tenant.
 *
 * @throws {NotFoundError} also for another tenant's
 */
export async function findUpload(
  { uploads }: Pick<EdgeDeps, "uploads">,
  tenant: string,
  id: string,
): Promise<UploadRecord> {
  const found = await uploads.get([tenant, id]);
  if (found === undefined) throw new NotFoundError("upload", id);
  return found.value as unknown as UploadRecord;
}

/**
 * The bytes of an upload.
 *
 * @throws {NotFoundError} also where its file has not come
 * @throws {ImageTooLargeError}
 */
export async function readUpload(
  deps: Pick<EdgeDeps, "uploads" | "store" | "settings">,
  tenant: string,
  id: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const record = await findUpload(deps, tenant, id);
  const key = uploadKey(tenant, id, record);
  const { maxStoredBytes } = deps.settings;
  return await readBytes(deps.store, key, maxStoredBytes)
    .catch((err: unknown) => {
      if (!(err instanceof NotFoundError)) throw err;
      throw new NotFoundError("stored file of upload", id);
    });
}

/** Where an upload is among those of its tenant. */
export function pathOf(
  id: string,
  { folder }: { readonly folder?: string | undefined },
): string {
  return folder === undefined ? id : `${folder}/${id}`;
}

/** The key of an upload. */
export function uploadKey(
  tenant: string,
  id: string,
  record: { readonly folder?: string | undefined },
): string {
  return objectKey(tenant, "uploads", ...pathOf(id, record).split("/"));
}

/** Looks for what somebody else is joining, and the pause after each. */
const LOOKS = 10;
const LOOK_MS = 100;

/** Parts that have come; none where they are joined. */
export async function findParts(
  store: ObjectStore,
  upload: MultipartUpload,
): Promise<readonly UploadedPart[]> {
  try {
    return await store.listParts(upload);
  } catch (err) {
    if (isSegError(err, "not-found")) return [];
    throw err;
  }
}

/** Join the parts, unless somebody did; then what they left goes. */
export async function joinParts(
  store: ObjectStore,
  upload: MultipartUpload,
  length: number,
): Promise<void> {
  if (await store.head(upload.key)) return await store.abortMultipart(upload);
  try {
    await store.completeMultipart(upload, { length });
  } catch (err) {
    // parts vanish while they are joined where somebody else was first; some
    // stores show the whole only a moment later
    for (let look = 0; look < LOOKS; look++) {
      if (await store.head(upload.key)) return;
      if (!isSegError(err, "not-found")) break;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    throw err;
  }
}
