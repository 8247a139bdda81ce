/**
 * Bearer tokens of an identity provider (OpenID Connect), beside keys.
 *
 * @module
 */
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { UnauthorizedError } from "../../shared/errors.ts";
import { type Scope, SCOPES } from "./keys.ts";

/** The provider whose tokens are taken. */
export interface OidcSettings {
  /** `iss` of the tokens. */
  readonly issuer: string;
  /** `aud` of the tokens. */
  readonly audience: string;
  /** Where the provider's keys are. */
  readonly jwks: string;
  /** Claim that names the tenant; default "sub". */
  readonly tenantClaim?: string;
}

/** Who a token is of. */
export interface TokenOwner {
  readonly tenant: string;
  readonly scopes: readonly Scope[];
}

/** Checks tokens. */
export type TokenCheck = (token: string) => Promise<TokenOwner>;

/** Signatures that are taken; no symmetric one: the provider's keys are public. */
const ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"];

/**
 * Take a provider's tokens; its keys are fetched when first needed.
 *
 * Scopes are those of ours that the token's `scope` names as `cytoedge:NAME`,
 * or `segment` where it names none.
 */
export function createTokenCheck(settings: OidcSettings): TokenCheck {
  const keys = createRemoteJWKSet(new URL(settings.jwks), {
    timeoutDuration: 3000,
  });
  return async (token) => {
    const payload = await jwtVerify(token, keys, {
      issuer: settings.issuer,
      audience: settings.audience,
      algorithms: ALGORITHMS,
      requiredClaims: ["exp", "sub"],
    }).then((verified) => verified.payload, (err: unknown) => {
      const reason = err instanceof errors.JOSEError
        ? err.message
        : "the provider's keys cannot be read";
      throw new UnauthorizedError(`The token is not taken: ${reason}`);
    });
    const claim = payload[settings.tenantClaim ?? "sub"];
    if (typeof claim !== "string") {
      throw new UnauthorizedError("The token names no tenant");
    }
    const named = String(payload.scope ?? "").split(" ");
    const scopes = SCOPES.filter((each) => named.includes(`cytoedge:${each}`));
    return {
      tenant: await nameTenant(settings.issuer, claim),
      scopes: scopes.length > 0 ? scopes : ["segment"],
    };
  };
}

/** Subjects are any text; tenants are part of keys in the store. */
async function nameTenant(issuer: string, claim: string): Promise<string> {
  const bytes = new TextEncoder().encode(`${issuer}\n${claim}`);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return `oidc-${new Uint8Array(digest).toHex().slice(0, 40)}`;
}
