/**
 * Images that are looked at here, within the edge's limits and the caller's
 * budget.
 *
 * @module
 */
import { decodeImage } from "../shared/image/decode.ts";
import type { DecodedArray } from "../shared/image/decoded.ts";
import type { Principal } from "./auth.ts";
import type { EdgeDeps } from "./deps.ts";
import { problemResponses } from "./problem.ts";

/** What may be wrong with an image, or with the model that looks at it. */
export const imageProblems = () =>
  problemResponses(
    "not-found",
    "unsupported-format",
    "corrupt-image",
    "image-too-large",
    "quota-exceeded",
    "model",
  );

/**
 * Decode an image whose pixels the caller may still use.
 *
 * @param axes  as "ZYX": overrules the file
 * @throws what `decodeImage` throws
 * @throws {QuotaExceededError}
 */
export async function decodeInput(
  { settings, usage }: Pick<EdgeDeps, "settings" | "usage">,
  principal: Pick<Principal, "tenant" | "id" | "budgets">,
  { bytes, axes = null }: {
    readonly bytes: Uint8Array;
    readonly axes?: string | null;
  },
): Promise<{ decoded: DecodedArray; pixels: number; decodeMs: number }> {
  const start = performance.now();
  const decoded = await decodeImage(bytes, {
    limits: { maxPixels: settings.maxPreviewPixels },
    ...(axes === null ? {} : { axes }),
  });
  const decodeMs = performance.now() - start;
  const pixels = decoded.data.length;
  await usage.require(principal, { pixels });
  return { decoded, pixels, decodeMs };
}
