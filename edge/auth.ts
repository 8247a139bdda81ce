/**
 * Who asks: a key, a provider's token, or the page's session on loopback.
 *
 * @module
 */
import { createMiddleware } from "hono/factory";
import { getCookie } from "hono/cookie";
import { ForbiddenError, UnauthorizedError } from "../shared/errors.ts";
import {
  type Budgets,
  type KeyBook,
  type Scope,
  UNLIMITED,
} from "./access/keys.ts";
import type { TokenCheck } from "./access/oidc.ts";
import type { RateLimit } from "./access/rate.ts";
import {
  isLoopbackHost,
  SESSION_COOKIE,
  type Sessions,
} from "./access/session.ts";

/** Who a request is of. */
export interface Principal {
  readonly tenant: string;
  /** Of the key, or what stands for it. */
  readonly id: string;
  readonly scopes: readonly Scope[];
  readonly requestsPerSecond: number;
  readonly budgets: Budgets;
}

/** What routes find in their context. */
export interface AppEnv {
  Variables: {
    requestId: string;
    principal: Principal;
    /** Why the body ended early; readers of bodies hide it. */
    bodyError?: Error;
  };
}

/** What knows callers. */
export interface AuthDeps {
  readonly keys: KeyBook;
  readonly rates: RateLimit;
  readonly tokens?: TokenCheck;
  /** Where the page has sessions: a server that is bound to loopback. */
  readonly sessions?: Sessions;
}

/** Requests a second for callers that have no key of their own. */
const DEFAULT_RATE = 50;

/** Middleware: find the principal and take one request of its rate. */
export function authenticate(deps: AuthDeps) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const principal = await findPrincipal(deps, {
      authorization: c.req.header("authorization"),
      cookie: getCookie(c, SESSION_COOKIE),
      host: c.req.header("host") ?? new URL(c.req.url).host,
      origin: c.req.header("origin"),
      site: c.req.header("sec-fetch-site"),
    });
    deps.rates.take(principal.id, principal.requestsPerSecond);
    c.set("principal", principal);
    await next();
  });
}

/** Middleware: the principal must have a scope. */
export function requireScope(scope: Scope) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const { scopes } = c.get("principal");
    if (!scopes.includes(scope) && !scopes.includes("admin")) {
      throw new ForbiddenError(
        `This needs a key with the scope ${scope}; yours has ${
          scopes.join(", ")
        }`,
      );
    }
    await next();
  });
}

async function findPrincipal(
  { keys, tokens, sessions }: AuthDeps,
  request: {
    readonly authorization: string | undefined;
    readonly cookie: string | undefined;
    readonly host: string;
    readonly origin: string | undefined;
    readonly site: string | undefined;
  },
): Promise<Principal> {
  const { authorization, cookie, host } = request;
  if (authorization !== undefined) {
    const bearer = /^Bearer +([^\s]{1,8192})$/i.exec(authorization)?.[1];
    if (bearer === undefined) {
      throw new UnauthorizedError(
        "The authorization header must read: Bearer KEY",
      );
    }
    if (tokens && bearer.split(".").length === 3) {
      const { tenant, scopes } = await tokens(bearer);
      const requestsPerSecond = DEFAULT_RATE;
      return {
        tenant,
        id: tenant,
        scopes,
        requestsPerSecond,
        budgets: UNLIMITED,
      };
    }
    const record = await keys.find(bearer);
    if (record === undefined) {
      throw new UnauthorizedError(
        "This key is unknown, expired or revoked; make one with `keys create`",
      );
    }
    return record;
  }
  // another port of this machine is of the same site, so the cookie comes
  const isOwnPage = isLoopbackHost(host) &&
    (request.origin === undefined || hostOf(request.origin) === host) &&
    (request.site === undefined || OWN_SITES.includes(request.site));
  const tenant = sessions && cookie !== undefined && isOwnPage
    ? sessions.check(cookie)
    : undefined;
  if (tenant !== undefined) {
    return {
      tenant,
      id: `session-${tenant}`,
      scopes: ["segment", "train"],
      // a page asks in bursts
      requestsPerSecond: 200,
      budgets: UNLIMITED,
    };
  }
  throw new UnauthorizedError(
    "No key came with the request; send `Authorization: Bearer ce_…`",
  );
}

/** What browsers say of requests of the page itself, and of addresses typed. */
const OWN_SITES = ["same-origin", "none"];

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host;
}
