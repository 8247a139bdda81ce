/**
 * Requests to the service, with the key where one was typed in, and what it
 * says is wrong.
 *
 * @module
 */
import type { z } from "zod";
import type { Upload } from "../../../shared/schema/wire.ts";

/** A signed call. */
export type Signed = z.infer<typeof Upload>["put"] & { url: string };

/** What the service says is wrong. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";

  /** @param status  of the answer */
  constructor(message: string, readonly status: number) {
    super(message);
  }
}

/** A key that was typed in; loopback needs none. */
let key = "";

/** Use a key from now on; "" for the session. */
export function useKey(typed: string): void {
  key = typed.trim();
}

interface CallOptions {
  readonly json?: unknown;
  readonly form?: FormData;
  readonly signal?: AbortSignal;
}

/** Call the service; its answer as JSON. */
export async function call<T>(
  method: string,
  path: string,
  options: CallOptions,
): Promise<T> {
  return await (await send(method, path, options)).json();
}

/** Call the service; what is no success is thrown. */
export async function send(
  method: string,
  path: string,
  { json, form, signal }: CallOptions,
): Promise<Response> {
  const headers = new Headers();
  if (key !== "") headers.set("authorization", `Bearer ${key}`);
  if (json !== undefined) headers.set("content-type", "application/json");
  const body = form ?? (json === undefined ? null : JSON.stringify(json));
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body,
      signal: signal ?? null,
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new Error("The service does not answer; is it still running?", {
      cause,
    });
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

/** Send a file where a signed call says. */
export async function put(signed: Signed, body: Blob): Promise<void> {
  const answer = await fetch(signed.url, {
    method: "PUT",
    headers: allowed(signed.headers),
    body,
  });
  if (!answer.ok) throw await problemOf(answer);
}

/** A browser sets these itself and lets no page do so. */
function allowed(headers: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) =>
      !/^(content-length|host)$/i.test(name)
    ),
  );
}

/** What a failed answer says. */
export async function problemOf(answer: Response): Promise<ServiceError> {
  const text = await answer.text();
  try {
    const { title, detail, errors } = JSON.parse(text);
    const faults = (errors ?? []).map((
      { pointer, detail }: { pointer: string; detail: string },
    ) => `${pointer} ${detail}`);
    return new ServiceError(
      [detail ?? title, ...faults].join("; "),
      answer.status,
    );
  } catch {
    return new ServiceError(
      `The service answered ${answer.status}`,
      answer.status,
    );
  }
}
