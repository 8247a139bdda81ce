/**
 * The page's session on loopback: a signed cookie instead of a key, so that
 * no key is ever in the page's text.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";

/** Name of the cookie. */
export const SESSION_COOKIE = "cytoedge_session";

/** How long a session lasts, milliseconds. */
const LASTS_MS = 12 * 3600 * 1000;

/** Makes and checks session cookies. */
export interface Sessions {
  /** A `set-cookie` value for a tenant. */
  issue(tenant: string): string;
  /** The tenant of a cookie's value, if it is ours and not too old. */
  check(value: string): string | undefined;
}

/**
 * Sessions signed with a secret.
 *
 * @param secret  of this process; a restart ends all sessions
 * @param now     milliseconds since 1970
 */
export function createSessions(
  secret: Uint8Array,
  now: () => number,
): Sessions {
  const sign = (text: string) =>
    createHmac("sha256", secret).update(text).digest("base64url");
  return {
    issue(tenant) {
      const text = `${tenant}.${now() + LASTS_MS}`;
      return `${SESSION_COOKIE}=${text}.${
        sign(text)
      }; Path=/; HttpOnly; SameSite=Strict; Max-Age=${LASTS_MS / 1000}`;
    },
    check(value) {
      const parts = value.split(".");
      if (parts.length !== 3) return undefined;
      const [tenant, until, signature] = parts;
      const want = Buffer.from(sign(`${tenant}.${until}`));
      const got = Buffer.from(signature);
      const isOurs = want.length === got.length && timingSafeEqual(want, got);
      return isOurs && Number(until) > now() ? tenant : undefined;
    },
  };
}

/** True if the request names a loopback host: no other site's name for it. */
export function isLoopbackHost(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(host);
}
