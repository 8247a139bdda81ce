/**
 * Errors as problem+json (RFC 9457): the one place that gives them a status.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { HTTPException } from "hono/http-exception";
import {
  ArgumentError,
  CoreMemoryError,
  type ErrorTag,
  InvalidRequestError,
  isSegError,
  type SegError,
  TooManyRequestsError,
} from "../shared/errors.ts";

/** Status of each tag; a new tag does not compile until it has one. */
const STATUS = {
  "invalid-request": 400,
  "unauthorized": 401,
  "forbidden": 403,
  "not-found": 404,
  "conflict": 409,
  "unsupported-format": 415,
  "corrupt-image": 422,
  "image-too-large": 413,
  "too-many-requests": 429,
  "quota-exceeded": 402,
  "model": 422,
  "storage": 503,
  "queue": 503,
} as const satisfies Record<ErrorTag, number>;

/** What a reader sees of each tag. */
const TITLE: Record<ErrorTag, string> = {
  "invalid-request": "The request is not valid",
  "unauthorized": "A valid key is needed",
  "forbidden": "The key may not do this",
  "not-found": "Not found",
  "conflict": "This does not fit the present state",
  "unsupported-format": "The file's format is not supported",
  "corrupt-image": "The file is corrupt",
  "image-too-large": "The image is too large",
  "too-many-requests": "Too many requests",
  "quota-exceeded": "A budget is used up",
  "model": "The model cannot be used",
  "storage": "The storage does not answer",
  "queue": "The queue does not answer",
};

/** Every status that an error can have. */
export type ProblemStatus = typeof STATUS[ErrorTag] | 405 | 408 | 500;

/** A body did not come in time. */
export class SlowBodyError extends Error {
  override readonly name = "SlowBodyError";

  /** @param bytes  that have come */
  constructor(readonly bytes: number) {
    super(`Only ${bytes} bytes of the body came in time`);
  }
}

const SLOW = { status: 408, title: "The body came too slowly" } as const;

/** A problem on the wire. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  /** Each thing that is wrong, and where: a JSON pointer, or a name. */
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() }))
    .optional(),
  /** Of the request, as in the header `x-request-id`. */
  requestId: z.string().optional(),
}).meta({ id: "Problem" });

/** A problem on the wire. */
export type Problem = z.infer<typeof Problem>;

/** Put an error into words for a client; nothing of the inside leaks. */
export function describeProblem(err: unknown): Problem {
  if (isSegError(err)) return describeTagged(err);
  if (err instanceof HTTPException && err.status < 500) {
    // the router's own: bodies that are no JSON, or could not be read
    return isSegError(err.cause)
      ? describeTagged(err.cause)
      : base("invalid-request", err.message || "The body cannot be read");
  }
  if (err instanceof SlowBodyError) {
    return { type: "/problems/slow-body", ...SLOW, detail: err.message };
  }
  if (err instanceof ArgumentError) {
    return {
      ...base("invalid-request", err.message),
      errors: [{ pointer: err.argument, detail: err.message }],
    };
  }
  if (err instanceof CoreMemoryError) {
    return base("image-too-large", err.message);
  }
  return {
    type: "about:blank",
    title: "Internal error",
    status: 500,
    detail: "Something went wrong here; the request id tells us what",
  };
}

/** A response of an error. */
export function problemResponse(
  problem: Problem,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { ...headers, "content-type": "application/problem+json" },
  });
}

/** Headers that go with an error. */
export function problemHeaders(err: unknown): Record<string, string> {
  if (isSegError(err, "unauthorized")) {
    return { "www-authenticate": 'Bearer realm="cytoedge"' };
  }
  if (err instanceof TooManyRequestsError) {
    return { "retry-after": `${Math.ceil(err.retryAfterSeconds)}` };
  }
  return {};
}

/**
 * The responses that a route can have beside its own, for its documentation.
 *
 * @param tags  what can go wrong there; every route may lack a key, be asked
 *              too often, be sent too much or too slowly, and find queue or
 *              storage away
 */
export function problemResponses<Tag extends ErrorTag>(...tags: Tag[]) {
  const always = [
    "invalid-request",
    "unauthorized",
    "forbidden",
    "image-too-large",
    "too-many-requests",
    "storage",
  ] as const;
  const all: ErrorTag[] = [...always, ...tags];
  const told = all.map((tag) => ({ status: STATUS[tag], title: TITLE[tag] }));
  return Object.fromEntries(
    [...told, SLOW].map(({ status, title }) => [status, {
      description: title,
      content: { "application/problem+json": { schema: Problem } },
    }]),
  );
}

function describeTagged(err: SegError): Problem {
  const problem = base(err.tag, err.message);
  return err instanceof InvalidRequestError
    ? { ...problem, errors: [...err.errors] }
    : problem;
}

function base(tag: ErrorTag, detail: string): Problem {
  return {
    type: `/problems/${tag}`,
    title: TITLE[tag],
    status: STATUS[tag],
    detail,
  };
}
