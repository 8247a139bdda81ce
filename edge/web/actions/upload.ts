/**
 * The image's file at the service, sent once.
 *
 * @module
 */
import * as api from "../service/api.ts";
import type { Doc } from "../store.ts";

/** Send the file unless it is there. */
export async function uploadOf(image: Doc): Promise<string> {
  const { uploadId } = image.job.value;
  if (uploadId !== undefined) return uploadId;
  const sent = await api.upload(image.file, image.name);
  image.job.value = { ...image.job.value, uploadId: sent };
  return sent;
}
