/**
 * The only place that spells a key.
 *
 *   tenants/TENANT/uploads/IMAGE…             what the tenant has uploaded
 *   tenants/TENANT/jobs/JOB/NAME…             a job's request and summary
 *   tenants/TENANT/results/RESULT/NAME…       outputs, by result id: the cache
 *   tenants/TENANT/models/DIGEST/NAME…        imported and trained models
 *   tenants/TENANT/trainings/TRAINING/NAME…   what it goes on from, until it ends
 *   tenants/TENANT/cache/DIGEST/NAME…         may be deleted at any time
 *
 * Everything of a tenant is below its prefix, results that repeat another
 * tenant's too: whether a result exists must not tell what others have.
 *
 * @module
 */
import { ArgumentError, ForbiddenError } from "../errors.ts";

/** What is kept for a tenant. */
export type Area =
  | "uploads"
  | "jobs"
  | "results"
  | "models"
  | "trainings"
  | "cache";

/** Longest key of S3, bytes. */
const MAX_KEY_LENGTH = 1024;

/** One segment of a key: not only dots, nothing that a file system refuses. */
const SEGMENT = /^(?!\.+$)[A-Za-z0-9._-]{1,200}$/;

/**
 * The key of an object of a tenant.
 *
 * @param area  and below it `ids`: as `"results", RESULT, "masks.png"`
 * @throws {ArgumentError} if a part is no segment of a key
 */
export function objectKey(
  tenant: string,
  area: Area,
  ...ids: string[]
): string {
  if (ids.length === 0) throw new ArgumentError("ids", "none given");
  return joinSegments(["tenants", tenant, area, ...ids]);
}

/** The prefix of an area, or of `ids` in it; ends with a slash. */
export function keyPrefix(
  tenant: string,
  area?: Area,
  ...ids: string[]
): string {
  const parts = ["tenants", tenant, ...(area ? [area] : []), ...ids];
  return `${joinSegments(parts)}/`;
}

/**
 * Refuse a key that is not below a tenant's prefix.
 *
 * @throws {ForbiddenError} if it is another's, or no key
 */
export function requireOwn(tenant: string, key: string): string {
  if (!isKey(key) || !key.startsWith(keyPrefix(tenant))) {
    throw new ForbiddenError(`The key ${key.slice(0, 200)} is not yours`);
  }
  return key;
}

/** Whether a text is a key: segments joined by slashes, none of them dots. */
export function isKey(text: string): boolean {
  return text.length <= MAX_KEY_LENGTH &&
    text.split("/").every((segment) => SEGMENT.test(segment));
}

/**
 * Check a key.
 *
 * @throws {ArgumentError} if it is none
 */
export function requireKey(key: string): string {
  if (isKey(key)) return key;
  throw new ArgumentError(
    "key",
    `"${
      key.slice(0, 200)
    }" is no key: segments of A-Z a-z 0-9 . _ - joined by slashes, at most ${MAX_KEY_LENGTH} characters`,
  );
}

// an id with a slash would reach into another area
function joinSegments(parts: string[]): string {
  const wrong = parts.find((part) => !SEGMENT.test(part));
  if (wrong === undefined) return requireKey(parts.join("/"));
  throw new ArgumentError("key", `"${wrong.slice(0, 200)}" is no part of one`);
}

/**
 * Check a prefix: empty, or a key's beginning.
 *
 * @throws {ArgumentError} if no key begins so
 */
export function requirePrefix(prefix: string): string {
  const cut = prefix.lastIndexOf("/") + 1;
  const folder = prefix.slice(0, Math.max(0, cut - 1));
  const start = prefix.slice(cut);
  if ((cut === 0 || isKey(folder)) && (start === "" || isKey(start))) {
    return prefix;
  }
  throw new ArgumentError(
    "prefix",
    `no key begins with "${prefix.slice(0, 200)}"`,
  );
}
