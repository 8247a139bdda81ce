/**
 * Digests of bytes and values: what a result is known by.
 *
 * @module
 */

/** SHA-256 of bytes, lower-case hex. */
export async function digestBytes(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
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
