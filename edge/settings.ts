/**
 * Defaults of what may be set from outside.
 *
 * @module
 */
import { MAX_SINGLE_PUT } from "../shared/schema/wire.ts";
import type { EdgeSettings } from "./deps.ts";

/** What a service starts with. */
export const DEFAULT_SETTINGS: EdgeSettings = {
  maxBodyBytes: 64 * 2 ** 20,
  maxStoredBytes: 512 * 2 ** 20,
  maxSinglePutBytes: MAX_SINGLE_PUT,
  partBytes: 16 * 2 ** 20,
  maxPreviewPixels: 64 * 2 ** 20,
  timeoutMs: 60_000,
  idleMs: 20_000,
  corsOrigins: [],
  storeOrigins: [],
  pricePerGpuSecond: 0.0006,
  currency: "USD",
  tilesPerSecond: 20,
  webhookHosts: [],
  fetchHosts: [],
  signedSeconds: 900,
};
