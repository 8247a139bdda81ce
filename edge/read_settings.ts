/**
 * The environment to the edge's settings.
 *
 * @module
 */
import type { Environment } from "../shared/connect/settings.ts";
import type { OidcSettings } from "./access/oidc.ts";
import type { EdgeSettings } from "./deps.ts";

/** What the environment sets; the rest keeps its default. */
export function settingsOf(env: Environment): Partial<EdgeSettings> {
  const all = {
    maxBodyBytes: env.CYTOEDGE_MAX_BODY_BYTES,
    maxPreviewPixels: env.CYTOEDGE_MAX_PREVIEW_PIXELS,
    corsOrigins: env.CYTOEDGE_CORS_ORIGINS,
    pricePerGpuSecond: env.CYTOEDGE_PRICE_PER_GPU_SECOND,
    currency: env.CYTOEDGE_CURRENCY,
    tilesPerSecond: env.CYTOEDGE_TILES_PER_SECOND,
    signedSeconds: env.CYTOEDGE_SIGNED_SECONDS,
    webhookHosts: env.CYTOEDGE_WEBHOOK_HOSTS,
    fetchHosts: env.CYTOEDGE_FETCH_HOSTS,
  };
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as Partial<EdgeSettings>;
}

/** The provider whose tokens are taken, if one is named. */
export function oidcOf(env: Environment): { oidc?: OidcSettings } {
  const { CYTOEDGE_OIDC_ISSUER: issuer, CYTOEDGE_OIDC_JWKS: jwks } = env;
  if (issuer === undefined || jwks === undefined) return {};
  const tenantClaim = env.CYTOEDGE_OIDC_TENANT_CLAIM;
  return {
    oidc: {
      issuer,
      jwks,
      audience: env.CYTOEDGE_OIDC_AUDIENCE ?? "",
      ...(tenantClaim === undefined ? {} : { tenantClaim }),
    },
  };
}
