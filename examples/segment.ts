/**
 * Segment an image with the typed client: upload, job, results.
 *
 *   CYTOEDGE_URL=http://127.0.0.1:8000 CYTOEDGE_KEY=ce_… \
 *     deno run -A examples/segment.ts IMAGE [FOLDER] [PARAMETERS as JSON]
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import process from "node:process";
import { createClient } from "../edge/client.ts";

const [image, folder = ".", parameters = "{}"] = process.argv.slice(2);
const { CYTOEDGE_URL: url = "", CYTOEDGE_KEY: key = "" } = process.env;
const { v1 } = createClient(url, { key });

// announce the file, then send exactly what was announced
const bytes = new Uint8Array(await readFile(image));
const announced = await v1.uploads.$post({
  json: {
    name: basename(image),
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  },
});
if (announced.status !== 201) throw new Error(await announced.text());
const upload = await announced.json();
if (!upload.put) throw new Error("Files above 100 MiB are sent in parts");
const sent = await fetch(upload.put.url, {
  method: "PUT",
  headers: upload.put.headers,
  body: bytes,
});
if (!sent.ok) throw new Error(await sent.text());

// a job; its events end when it does
const accepted = await v1.jobs.$post({
  header: {},
  json: {
    images: [{ upload: upload.id }],
    parameters: JSON.parse(parameters),
    outputs: ["tif", "csv"],
  },
});
if (accepted.status !== 202) throw new Error(await accepted.text());
const param = { id: (await accepted.json()).id };
await (await v1.jobs[":id"].events.$get({ param, header: {} })).text();

// each file has a URL of its own, for some minutes
const answer = await v1.jobs[":id"].results.$get({ param, query: {} });
if (answer.status !== 200) throw new Error(await answer.text());
const { images: [result] } = await answer.json();
if (result.error !== null) throw new Error(result.error);
await mkdir(folder, { recursive: true });
for (const [name, signed] of Object.entries(result.files)) {
  const file = await fetch(signed.url);
  if (!file.ok) throw new Error(await file.text());
  await writeFile(join(folder, name), new Uint8Array(await file.arrayBuffer()));
}
process.stdout.write(`${basename(image)}: ${result.count} cells\n`);
