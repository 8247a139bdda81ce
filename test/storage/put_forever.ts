/**
 * Replace one object for ever, for a test that kills this:
 *
 *   deno run -A test/storage/put_forever.ts FOLDER
 *
 * @module
 */
import process from "node:process";
import { openFolder } from "../../shared/storage/folder.ts";

const store = await openFolder({
  root: process.argv[2],
  baseUrl: "/",
  secret: new Uint8Array(32).fill(1),
});
for (let i = 0;; i = (i + 1) % 256) {
  const bytes = new Uint8Array(4_000_000).fill(i);
  await store.put("killed", bytes, { mediaType: "image/png" });
  process.stdout.write(`${i}\n`);
}
