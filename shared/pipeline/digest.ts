/**
 * Digests of bytes and values: what a result is known by.
 *
 * @module
 */

/** What is used of `node:crypto`. */
interface Crypto {
  createHash(name: "sha256"): {
    update(bytes: Uint8Array): { digest(encoding: "hex"): string };
  };
}

/** `node:crypto`; an import of it would not load in browsers. */
const platform: Crypto | undefined = (globalThis as {
  process?: { getBuiltinModule?: (name: string) => unknown };
}).process?.getBuiltinModule?.("node:crypto") as Crypto | undefined;

/** To digest less takes less time than to wait for another thread. */
const SMALL_BYTES = 2 ** 19;

/** SHA-256 of bytes, lower-case hex. */
export async function digestBytes(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  if (platform && bytes.length <= SMALL_BYTES) {
    return platform.createHash("sha256").update(bytes).digest("hex");
  }
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(
    new Uint8Array(digest),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** SHA-256 of a JSON value, the same for any order of its keys. */
export function digestValue(value: unknown): Promise<string> {
  return digestBytes(new TextEncoder().encode(writeSorted(value)));
}

/** JSON with the keys of objects sorted; what is undefined is left out. */
function writeSorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(writeSorted).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, each]) => `${JSON.stringify(key)}:${writeSorted(each)}`);
  return `{${entries.join()}}`;
}
