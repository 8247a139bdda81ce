/**
 * Bytes, signed requests and answers, as the tests of stores need them.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import type { ObjectStore, SignedRequest } from "../../shared/storage/types.ts";

/** Bytes of a plain buffer. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Media type of all objects. */
export const TYPE = "image/tiff";

export const SECRET_BYTES = bytesOf("cells");

/** How an upload of these bytes is signed. */
export const SIGNED = {
  ttlSeconds: 60,
  length: SECRET_BYTES.length,
  mediaType: TYPE,
  sha256: digest(SECRET_BYTES),
};

/** Send a part by its signed request. */
export async function sendPart(
  store: ObjectStore,
  upload: { key: string; uploadId: string },
  ...[partNumber, bytes]: [number, Bytes]
): Promise<void> {
  const signed = await store.presignPart(upload, {
    partNumber,
    ...{ length: bytes.length, sha256: digest(bytes), ttlSeconds: 60 },
  });
  expect(await statusOf(signed, { body: bytes })).toBe(200);
}

export function send(signed: SignedRequest, init: RequestInit = {}) {
  const { method, url, headers } = signed;
  return fetch(url, {
    method,
    ...init,
    headers: { ...headers, ...init.headers as Record<string, string> },
  });
}

export async function statusOf(
  signed: SignedRequest,
  init?: object,
): Promise<number> {
  const answer = await send(signed, init);
  await answer.body?.cancel();
  return answer.status;
}

export async function readText(
  store: ObjectStore,
  key: string,
): Promise<string> {
  return textOf(await readAll((await store.get(key)).body));
}

export async function readAll(body: ReadableStream<Bytes>): Promise<Bytes> {
  return new Uint8Array(await new Response(body).arrayBuffer());
}

export function streamOf(bytes: Bytes, chunk: number): ReadableStream<Bytes> {
  return ReadableStream.from(function* () {
    for (let at = 0; at < bytes.length; at += chunk) {
      yield bytes.subarray(at, at + chunk);
    }
  }());
}

export function bytesOf(text: string): Bytes {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Bytes): string {
  return new TextDecoder().decode(bytes);
}

export function digest(bytes: Bytes): string {
  return createHash("sha256").update(bytes).digest("hex");
}
