/**
 * The rules of multipart uploads that hold in every store.
 *
 * @module
 */
import {
  ArgumentError,
  InvalidRequestError,
  type RequestFault,
} from "../errors.ts";
import { MAX_PARTS, MIN_PART_BYTES, type UploadedPart } from "./types.ts";

/**
 * Check that parts are 1 to n, large enough, and as long as said.
 *
 * @param parts   in order of their numbers
 * @param length  bytes of all together
 * @throws {InvalidRequestError} with what is missing or wrong
 */
export function requireComplete(
  parts: readonly UploadedPart[],
  length: number,
): void {
  const fault = findFault(parts, length);
  if (fault) throw new InvalidRequestError([fault]);
}

function findFault(
  parts: readonly UploadedPart[],
  length: number,
): RequestFault | undefined {
  const pointer = "/parts";
  if (parts.length === 0) return { pointer, detail: "no part has arrived" };
  const gap = parts.findIndex(({ partNumber }, i) => partNumber !== i + 1);
  if (gap >= 0) return { pointer, detail: `part ${gap + 1} is missing` };
  const small = parts.slice(0, -1).find((part) => part.length < MIN_PART_BYTES);
  if (small) {
    const detail =
      `part ${small.partNumber} has ${small.length} bytes, all but the last need ${MIN_PART_BYTES}`;
    return { pointer, detail };
  }
  const found = parts.reduce((sum, part) => sum + part.length, 0);
  if (found === length) return undefined;
  const detail = `${length} bytes were announced, the parts have ${found}`;
  return { pointer: "/length", detail };
}

/**
 * Check a part's number.
 *
 * @throws {ArgumentError} if it is not within 1 and `MAX_PARTS`
 */
export function requirePartNumber(partNumber: number): void {
  if (
    Number.isInteger(partNumber) && partNumber >= 1 && partNumber <= MAX_PARTS
  ) return;
  throw new ArgumentError(
    "partNumber",
    `${partNumber} is not within 1 and ${MAX_PARTS}`,
  );
}

/**
 * Check what a signed PUT says of its content.
 *
 * @throws {ArgumentError} if the length or digest cannot be one
 */
export function requireContent(
  { length, sha256 }: { readonly length: number; readonly sha256: string },
): void {
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new ArgumentError("length", `${length} is no number of bytes`);
  }
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    throw new ArgumentError("sha256", "is not 64 lower-case hex digits");
  }
}
