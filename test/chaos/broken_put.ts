/**
 * A PUT that ends before its end.
 *
 * @module
 */
import { request } from "node:http";
import type { SignedCall } from "./client.ts";

/** How long what was sent may take to be taken, ms. */
const TAKE_MS = 20;

/**
 * Send the beginning of what a signed call is for, then do something, then
 * close the connection.
 *
 * @param share  of the bytes that are sent
 */
export async function breakPut(
  { url, headers }: SignedCall,
  bytes: Uint8Array,
  { share, then = () => Promise.resolve() }: {
    readonly share: number;
    readonly then?: () => Promise<void>;
  },
): Promise<void> {
  const length = `${bytes.length}`;
  const outgoing = request(url, {
    method: "PUT",
    headers: { ...headers, "content-length": length },
  });
  // it is meant to fail
  outgoing.on("error", () => {});
  outgoing.on("response", (answer) => answer.resume());
  outgoing.write(bytes.subarray(0, Math.floor(share * bytes.length)));
  await new Promise((resolve) => setTimeout(resolve, TAKE_MS));
  await then();
  outgoing.destroy();
}
