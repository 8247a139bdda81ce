/**
 * Turns for others while much is computed.
 *
 * @module
 */

/** Values that are worked on without a turn. */
const PACE = 2 ** 21;

/** Let timers and the collector have a turn: the work takes minutes. */
export function takeTurns(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/**
 * Take turns after every so many values.
 *
 * @returns  to be called, and awaited, with the values that were worked on
 */
export function createPace(): (values: number) => Promise<void> {
  let since = 0;
  return async (values) => {
    since += values;
    if (since <= PACE) return;
    since = 0;
    await takeTurns();
  };
}
