/**
 * Limits on requests that hold before a body is read.
 *
 * @module
 */
import { createMiddleware } from "hono/factory";
import { ImageTooLargeError, InvalidRequestError } from "../shared/errors.ts";
import type { AppEnv } from "./auth.ts";
import { SlowBodyError } from "./problem.ts";

/** How large a body may be, and how slow. */
export interface BodyLimits {
  readonly maxBytes: number;
  /** Between two pieces, ms. */
  readonly idleMs: number;
  /** Until its end, ms. */
  readonly totalMs: number;
}

/** Middleware: refuse bodies that are longer or slower than they may be. */
export function limitBody(limits: BodyLimits) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const said = Number(c.req.header("content-length") ?? 0);
    if (said > limits.maxBytes) {
      throw new ImageTooLargeError(said, limits.maxBytes);
    }
    const { body } = c.req.raw;
    // no route takes TRACE, and no request can be made with it
    if (body !== null && c.req.method !== "TRACE") {
      const watched = watchBody(body, limits, (err) => c.set("bodyError", err));
      const { url, method, headers } = c.req.raw;
      // not from the request itself: with its signal Deno writes a warning
      c.req.raw = new Request(
        url,
        { method, headers, body: watched, duplex: "half" } as RequestInit,
      );
    }
    await next();
  });
}

function watchBody(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  { maxBytes, idleMs, totalMs }: BodyLimits,
  onError: (err: Error) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  const deadline = performance.now() + totalMs;
  let bytes = 0;

  function refuse(err: Error): never {
    onError(err);
    reader.cancel(err).catch(() => {});
    throw err;
  }

  return new ReadableStream({
    async pull(controller) {
      const ms = Math.max(0, Math.min(idleMs, deadline - performance.now()));
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<"late">((resolve) => {
        timer = setTimeout(resolve, ms, "late");
      });
      const read = await Promise.race([reader.read(), late])
        .finally(() => clearTimeout(timer));
      if (read === "late") refuse(new SlowBodyError(bytes));
      if (read.done) return controller.close();
      bytes += read.value.byteLength;
      if (bytes > maxBytes) refuse(new ImageTooLargeError(bytes, maxBytes));
      controller.enqueue(read.value);
    },
    cancel: (reason) => reader.cancel(reason),
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
