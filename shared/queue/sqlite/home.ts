/**
 * What the queues, records and events of one SQLite file share.
 *
 * @module
 */
import type { Clock } from "../types.ts";
import type { Wakes } from "../wake.ts";
import type { Database } from "./database.ts";

/** An open file. */
export interface Home {
  readonly db: Database;
  readonly now: Clock;
  readonly wakes: Wakes;
  /** Aborts when the file is closed. */
  readonly signal: AbortSignal;
}
