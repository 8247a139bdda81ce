/**
 * Limits on requests that hold before a body is read.
 *
 * @module
 */
import { createMiddleware } from "hono/factory";
import { ImageTooLargeError, InvalidRequestError } from "../shared/errors.ts";
import type { AppEnv } from "./auth.ts";

/** Middleware: refuse bodies that are longer than they may be. */
export function limitBody(maxBytes: number) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const said = c.req.header("content-length");
    if (said !== undefined && Number(said) > maxBytes) {
      throw new ImageTooLargeError(Number(said), maxBytes);
    }
    const { body } = c.req.raw;
    if (body !== null && said === undefined) {
      // a chunked body: count while it comes
      const counted = body.pipeThrough(
        countBytes(maxBytes, (err) => c.set("bodyError", err)),
      );
      const init = { body: counted, duplex: "half" } as RequestInit;
      c.req.raw = new Request(c.req.raw, init);
    }
    await next();
  });
}

function countBytes(maxBytes: number, onError: (err: Error) => void) {
  let bytes = 0;
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) {
        const err = new ImageTooLargeError(bytes, maxBytes);
        onError(err);
        controller.error(err);
      } else controller.enqueue(chunk);
    },
  });
}

/** Headers on every answer: it is data, not a page of somebody's. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-site",
  "x-frame-options": "DENY",
};

/** The file of a form's field. */
export function requireFile(form: FormData, name: string): File {
  const value = form.get(name);
  if (value instanceof File) return value;
  throw new InvalidRequestError([{
    pointer: `/${name}`,
    detail: "is missing; send it as a file of multipart/form-data",
  }]);
}
