/**
 * Wrong usage that is found after the options have been parsed.
 *
 * @module
 */

/** Exit code 2: the command was called in a way it cannot be. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
