/**
 * Ids that begin with their time, so that they list by age.
 *
 * @module
 */

/**
 * A new id: 9 characters of time, 13 at random.
 *
 * @param ms  since 1970
 */
export function newId(ms: number): string {
  const random = crypto.getRandomValues(new Uint8Array(13));
  const tail = Array.from(random, (byte) => (byte & 31).toString(32)).join("");
  return ms.toString(32).padStart(9, "0") + tail;
}
