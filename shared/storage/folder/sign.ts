/**
 * URLs of a local folder, signed with HMAC-SHA256.
 *
 * The signature covers the operation, the key, the expiry and, for a PUT, the
 * length, media type, SHA-256 and whether the key must be free; for a part the
 * upload and its number. A parameter that is unknown, missing or twice there
 * is refused, so that nothing in a URL is unsigned.
 *
 * @module
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { ForbiddenError } from "../../errors.ts";
import { isKey } from "../keys.ts";

/** What a signed URL allows its holder to do. */
export type Grant =
  & { readonly key: string; readonly expiresMs: number }
  & (
    | { readonly operation: "get"; readonly fileName: string }
    | {
      readonly operation: "put";
      readonly length: number;
      readonly mediaType: string;
      readonly sha256: string;
      readonly writeOnce: boolean;
    }
    | {
      readonly operation: "part";
      readonly length: number;
      readonly sha256: string;
      readonly uploadId: string;
      readonly partNumber: number;
    }
  );

/** Parameters of each operation, in the order in which they are signed. */
const PARAMETERS = {
  get: ["expiresMs", "fileName"],
  put: ["expiresMs", "length", "mediaType", "sha256", "writeOnce"],
  part: ["expiresMs", "length", "sha256", "uploadId", "partNumber"],
} as const;

/** Keeps these signatures apart from others made with the same secret. */
const PURPOSE = "cytoedge storage url 1";

/** The path and query of a signed URL, to follow the store's base URL. */
export function signGrant(grant: Grant, secret: Uint8Array): string {
  const values = new Map<string, unknown>(Object.entries(grant));
  const query = new URLSearchParams({ operation: grant.operation });
  for (const name of PARAMETERS[grant.operation]) {
    query.set(name, String(values.get(name)));
  }
  query.set("signature", mac(grant.key, query, secret));
  return `/${grant.key}?${query}`;
}

/**
 * What a signed URL grants.
 *
 * @param path   what follows the base URL's path: `/KEY`
 * @param query  as it came
 * @throws {ForbiddenError} if it was changed, is not signed, or has expired
 */
export function readGrant(
  path: string,
  query: URLSearchParams,
  { secret, nowMs }: { secret: Uint8Array; nowMs: number },
): Grant {
  const key = path.slice(1);
  const operation = query.get("operation") ?? "";
  if (!isOperation(operation) || !isKey(key)) refuse();
  const names = ["operation", ...PARAMETERS[operation], "signature"];
  if (names.join() !== [...query.keys()].join()) refuse();
  const given = new TextEncoder().encode(query.get("signature") ?? "");
  query.delete("signature");
  const expected = new TextEncoder().encode(mac(key, query, secret));
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    refuse();
  }
  const text = (name: string) => query.get(name) ?? "";
  const expiresMs = Number(text("expiresMs"));
  if (nowMs >= expiresMs) {
    throw new ForbiddenError("The signed URL has expired; ask for another");
  }
  const shared = { key, expiresMs };
  if (operation === "get") {
    return { ...shared, operation, fileName: text("fileName") };
  }
  const content = { length: Number(text("length")), sha256: text("sha256") };
  return operation === "put"
    ? {
      ...shared,
      ...content,
      operation,
      mediaType: text("mediaType"),
      writeOnce: text("writeOnce") === "true",
    }
    : {
      ...shared,
      ...content,
      operation,
      uploadId: text("uploadId"),
      partNumber: Number(text("partNumber")),
    };
}

function mac(key: string, query: URLSearchParams, secret: Uint8Array): string {
  return createHmac("sha256", secret)
    .update(JSON.stringify([PURPOSE, key, ...query]))
    .digest("base64url");
}

function isOperation(text: string): text is Grant["operation"] {
  return Object.hasOwn(PARAMETERS, text);
}

// one answer to all: it tells a forger nothing
function refuse(): never {
  throw new ForbiddenError("The signature of the URL does not match");
}
