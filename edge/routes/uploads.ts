/**
 * `POST /uploads`: where to send a file, and to say that its parts are there.
 *
 * The bytes go to the store, not through here: exactly those that were told,
 * under a key that can be written once.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { ConflictError } from "../../shared/errors.ts";
import type { Json } from "../../shared/queue/types.ts";
import {
  Id,
  PartRequest,
  SignedCall,
  Upload,
  UploadRequest,
} from "../../shared/schema/wire.ts";
import { MAX_PARTS } from "../../shared/storage/types.ts";
import type { EdgeDeps } from "../deps.ts";
import { newId } from "../ids.ts";
import { toSignedCall } from "../present.ts";
import { problemResponses } from "../problem.ts";
import { answers, createRouter, SECURITY, takes } from "../router.ts";
import {
  findParts,
  findUpload,
  joinParts,
  uploadKey,
  type UploadRecord,
} from "../stored_uploads.ts";

const shared = {
  tags: ["uploads"],
  security: SECURITY,
};
const params = z.object({ id: Id });

const create = createRoute({
  ...shared,
  method: "post",
  path: "/uploads",
  operationId: "createUpload",
  summary: "Announce a file; the answer says where to PUT it",
  request: { body: takes(UploadRequest) },
  responses: {
    201: answers(Upload, "Where to send the file"),
    ...problemResponses("quota-exceeded"),
  },
});

const read = createRoute({
  ...shared,
  method: "get",
  path: "/uploads/{id}",
  operationId: "getUpload",
  summary: "Whether a file has arrived, and which parts of it",
  request: { params },
  responses: {
    200: answers(Upload, "The upload"),
    ...problemResponses("not-found"),
  },
});

const part = createRoute({
  ...shared,
  method: "post",
  path: "/uploads/{id}/parts",
  operationId: "signPart",
  summary: "Where to PUT one part of a large file; again after an interruption",
  request: { params, body: takes(PartRequest) },
  responses: {
    200: answers(SignedCall, "Where to send the part"),
    ...problemResponses("not-found", "conflict"),
  },
});

const complete = createRoute({
  ...shared,
  method: "post",
  path: "/uploads/{id}/complete",
  operationId: "completeUpload",
  summary: "Join the parts of a large file",
  request: { params },
  responses: {
    200: answers(Upload, "The upload, stored"),
    ...problemResponses("not-found", "conflict"),
  },
});

/** The routes. */
export function uploads(deps: EdgeDeps) {
  const { store, settings, now } = deps;

  async function describe(
    { tenant, id, base }: { tenant: string; id: string; base: string },
    record: UploadRecord,
  ) {
    const { name, bytes, mediaType, sha256 } = record;
    const key = uploadKey(tenant, id, record);
    // they are gone once they are joined: first the parts, then the whole
    const parts = record.multipart === null
      ? []
      : await findParts(store, { key, uploadId: record.multipart });
    const isStored = (await store.head(key)) !== undefined;
    const waiting = isStored
      ? {
        get: toSignedCall(
          await store.presignGet(key, {
            ttlSeconds: settings.signedSeconds,
            fileName: name,
          }),
          base,
        ),
      }
      : record.multipart === null
      ? {
        put: toSignedCall(
          await store.presignPut(key, {
            ttlSeconds: settings.signedSeconds,
            length: bytes,
            mediaType,
            sha256,
          }),
          base,
        ),
      }
      : {
        multipart: {
          partBytes: partBytes(bytes),
          parts: Math.ceil(bytes / partBytes(bytes)),
          received: parts.map(({ partNumber }) => partNumber),
        },
      };
    return {
      id,
      name,
      bytes,
      mediaType,
      sha256,
      state: isStored ? "stored" as const : "waiting" as const,
      created: new Date(record.created).toISOString(),
      ...waiting,
    };
  }

  /** Bytes of a part but the last; larger where there would be too many. */
  function partBytes(bytes: number): number {
    const least = Math.ceil(bytes / MAX_PARTS);
    return Math.max(settings.partBytes, Math.ceil(least / 2 ** 20) * 2 ** 20);
  }

  return createRouter()
    .openapi(create, async (c) => {
      const principal = c.get("principal");
      const request = c.req.valid("json");
      await deps.usage.require(principal, { bytes: request.bytes });
      const id = newId(now());
      const key = uploadKey(principal.tenant, id, request);
      const { folder, ...facts } = request;
      const record: UploadRecord = {
        ...facts,
        ...(folder === undefined ? {} : { folder }),
        created: now(),
        multipart: request.bytes > settings.maxSinglePutBytes
          ? (await store.startMultipart(key, { mediaType: request.mediaType }))
            .uploadId
          : null,
      };
      await deps.uploads.create(
        [principal.tenant, id],
        record as unknown as Json,
      );
      await deps.usage.add(principal, { bytes: request.bytes });
      return c.json(
        await describe(
          { tenant: principal.tenant, id, base: c.req.url },
          record,
        ),
        201,
      );
    })
    .openapi(read, async (c) => {
      const { tenant } = c.get("principal");
      const { id } = c.req.valid("param");
      const record = await findUpload(deps, tenant, id);
      return c.json(
        await describe({ tenant, id, base: c.req.url }, record),
        200,
      );
    })
    .openapi(part, async (c) => {
      const { tenant } = c.get("principal");
      const { id } = c.req.valid("param");
      const { number, sha256 } = c.req.valid("json");
      const record = await findUpload(deps, tenant, id);
      const { multipart: uploadId, bytes } = record;
      const size = partBytes(bytes);
      if (uploadId === null || (number - 1) * size >= bytes) {
        throw new ConflictError(`upload ${id}`, `has no part ${number}`);
      }
      const signed = await store.presignPart(
        { key: uploadKey(tenant, id, record), uploadId },
        {
          partNumber: number,
          length: Math.min(size, bytes - (number - 1) * size),
          sha256,
          ttlSeconds: settings.signedSeconds,
        },
      );
      return c.json(toSignedCall(signed, c.req.url), 200);
    })
    .openapi(complete, async (c) => {
      const { tenant } = c.get("principal");
      const { id } = c.req.valid("param");
      const record = await findUpload(deps, tenant, id);
      const key = uploadKey(tenant, id, record);
      if (record.multipart !== null) {
        await joinParts(
          store,
          { key, uploadId: record.multipart },
          record.bytes,
        );
      }
      return c.json(
        await describe({ tenant, id, base: c.req.url }, record),
        200,
      );
    });
}
