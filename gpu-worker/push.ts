/**
 * One image by HTTP, for platforms that start a container per request.
 *
 *   POST /tasks  { tenant, job, index }, Authorization: Bearer TOKEN
 *     → 200 { state: "done" }     settled: succeeded, failed, or was before
 *     → 503 { state: "retry" }    may succeed later or elsewhere
 *   GET /healthz → 200, as soon as it listens
 *   GET /readyz  → 200 when the model is warm, else 503
 *
 * The task is written down before it is pushed: a push that is lost or comes
 * twice does no harm.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { ImageTask } from "../shared/queue/job_types.ts";
import { isRetriable } from "./retriable.ts";

/** What a push works with. */
export interface PushOptions {
  readonly run: (task: ImageTask, signal: AbortSignal) => Promise<void>;
  /** Record that a task can never succeed. */
  readonly fail: (task: ImageTask, error: string) => Promise<unknown>;
  /** None: nothing may be pushed. */
  readonly token?: string;
  readonly isReady: () => boolean;
  /** Ends tasks that run; they are to be pushed again. */
  readonly signal: AbortSignal;
}

/** What is pushed. */
export const PushedTask = z.strictObject({
  tenant: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  job: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  index: z.int().min(0),
});

/** A task's body is short. */
const MAX_BODY = 4096;

/** Make the handler of a worker's HTTP requests. */
export function createPush(
  { run, fail, token, isReady, signal }: PushOptions,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    const { method } = request;
    if (method === "GET" && pathname === "/healthz") return answer(200, "ok");
    if (method === "GET" && pathname === "/readyz") {
      return isReady() ? answer(200, "ok") : answer(503, "unready");
    }
    if (pathname !== "/tasks") return answer(404, "not found");
    if (method !== "POST") return answer(405, "not allowed", { allow: "POST" });
    if (token === undefined || !isAllowed(request, token)) {
      return answer(401, "unauthorized");
    }
    const task = await readTask(request);
    if (task === undefined) return answer(400, "no task");
    try {
      await run(task, signal);
      return answer(200, "done");
    } catch (err) {
      if (signal.aborted || isRetriable(err)) return answer(503, "retry");
      await fail(task, err instanceof Error ? err.message : String(err));
      return answer(200, "done");
    }
  };
}

/** Compare digests: their lengths are equal, the time tells nothing. */
function isAllowed(request: Request, token: string): boolean {
  const said = request.headers.get("authorization") ?? "";
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(said), digest(`Bearer ${token}`));
}

async function readTask(request: Request): Promise<ImageTask | undefined> {
  const length = Number(request.headers.get("content-length") ?? MAX_BODY + 1);
  if (length > MAX_BODY) return undefined;
  try {
    return PushedTask.parse(await request.json());
  } catch {
    return undefined;
  }
}

function answer(
  status: number,
  state: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json({ state }, { status, headers });
}
