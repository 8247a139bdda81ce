/**
 * Turns for others while much is computed.
 *
 * @module
 */

/** Let timers and the collector have a turn: the work takes minutes. */
export function takeTurns(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
