/**
 * What queues, buckets, tenants, ids and messages may be called, so that each
 * adapter can use a name as it is: in a subject, a path, a column.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import type { Json, Message, RecordKey } from "./types.ts";

/** NATS carries 1 MiB; headers and escapes need room. */
export const MAX_BODY_BYTES = 512 * 1024;

const NAME = /^[A-Za-z0-9_-]{1,128}$/;

/**
 * Check a name.
 *
 * @param argument  what it names, for the message
 * @throws {ArgumentError} if it is none
 */
export function requireName(name: string, argument: string): string {
  if (NAME.test(name)) return name;
  throw new ArgumentError(
    argument,
    `"${name.slice(0, 200)}" is no name: 1 to 128 of A-Z a-z 0-9 _ -`,
  );
}

/** Check a key and join its parts by dots. */
export function joinKey(key: RecordKey): string {
  if (key.length === 0) throw new ArgumentError("key", "has no parts");
  return key.map((part) => requireName(part, "key")).join(".");
}

/** Check a prefix of keys; joined by dots, with one at its end, or empty. */
export function requirePrefix(prefix: RecordKey): string {
  return prefix.map((part) => `${requireName(part, "prefix")}.`).join("");
}

/** Check a message's id: names joined by dots. */
export function requireMessageId(id: string): string {
  for (const part of id.split(".")) requireName(part, "id");
  return id;
}

/** Check a message; gives its body as JSON. */
export function requireMessage({ id, body }: Message): string {
  requireMessageId(id);
  return writeJson(body, "body");
}

/**
 * A value as JSON.
 *
 * @throws {ArgumentError} if it takes more than `MAX_BODY_BYTES`
 */
export function writeJson(value: Json, argument: string): string {
  const text = JSON.stringify(value);
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= MAX_BODY_BYTES) return text;
  throw new ArgumentError(
    argument,
    `takes ${bytes} bytes of JSON, at most ${MAX_BODY_BYTES} are carried; store it and pass its key`,
  );
}
