/**
 * The folder store killed in the middle of uploads: whole, in parts, and while
 * parts are joined. What was cut off is sent again; jobs end as undisturbed.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openKeyBook } from "../../edge/access/keys.ts";
import { openDataFolder } from "../../shared/connect/open.ts";
import { openSqlite } from "../../shared/queue/sqlite.ts";
import { isFinal } from "../../shared/queue/job_types.ts";
import type { Random } from "../../shared/synthetic/random.ts";
import { freePort } from "../servers/process.ts";
import { breakPut } from "./broken_put.ts";
import { type Client, createClient } from "./client.ts";
import { sha256 } from "./config.ts";
import type { FolderConfig } from "./folder_process.ts";
import {
  isCompared,
  type KnownImage,
  OUTPUTS,
  parametersOf,
} from "./images.ts";
import { padPng, uploadDisturbed } from "./multipart.ts";
import { supervise } from "./supervisor.ts";

/** Jobs of a run; each has an upload of each kind. */
const JOBS = 2;
const END_MS = 60_000;
const TENANT = "lab";

/** Kill it in uploads; what is wrong comes back in words. */
export async function runFolderKilled(
  known: readonly KnownImage[],
  random: Random,
): Promise<{ count: number; jobs: number; faults: string[] }> {
  const data = await mkdtemp(join(tmpdir(), "cytoedge-killed-"));
  const config: FolderConfig = { data, port: await freePort(), seed: 1 };
  const key = await createKey(data);
  const service = supervise("folder_process.ts", config);
  const faults: string[] = [];
  let kills = 0;
  const kill = async () => {
    kills++;
    await service.kill();
  };
  try {
    await service.ready();
    const client = createClient(`http://127.0.0.1:${config.port}`, key);
    for (let k = 0; k < JOBS; k++) {
      const images = [0, 1, 2].map(() => known[random.below(known.length)]);
      const [whole, parts, joined] = images;
      const uploads = [
        await sendWhole(client, whole, { random, kill }),
        await uploadDisturbed(client, {
          name: parts.name,
          bytes: padPng(parts.bytes, random),
        }, { random, then: kill }),
        await sendJoined(client, joined, { random, kill }),
      ];
      faults.push(
        ...await runJob(client, { uploads, images, number: 2_000 + k }),
      );
    }
    faults.push(...await judgeFolder(data));
  } catch (err) {
    faults.push(`folder killed: ${err} ${service.errors().slice(-2000)}`);
  } finally {
    await service.stop();
    await rm(data, { recursive: true, force: true });
  }
  return { count: kills, jobs: JOBS, faults };
}

async function createKey(data: string): Promise<string> {
  const backend = openSqlite({ path: join(data, "queue.sqlite") });
  const keys = openKeyBook(await backend.records("keys"), Date.now);
  const { key } = await keys.create({
    ...{ tenant: TENANT, name: "load", scopes: ["segment"] },
    requestsPerSecond: 100_000,
  });
  await backend.close();
  return key;
}

interface Chance {
  readonly random: Random;
  readonly kill: () => Promise<void>;
}

/** A file at once: killed before its end has come. */
async function sendWhole(
  client: Client,
  { name, bytes }: KnownImage,
  { random, kill }: Chance,
): Promise<string> {
  const id = await client.announce(name, bytes);
  const { put } = (await client.call("GET", `/v1/uploads/${id}`)).body;
  await breakPut(put, bytes, { share: random.uniform(), then: kill });
  const { state } = (await client.call("GET", `/v1/uploads/${id}`)).body;
  if (state !== "waiting") throw new Error(`${id} is ${state} half sent`);
  await client.send(id, bytes);
  return id;
}

/** A file in parts: killed while they are joined. */
async function sendJoined(
  client: Client,
  { name, bytes: png }: KnownImage,
  { random, kill }: Chance,
): Promise<string> {
  const killing = new Promise<void>((resolve, reject) =>
    setTimeout(() => kill().then(resolve, reject), random.uniform() * 150)
  );
  const bytes = padPng(png, random);
  const id = await uploadDisturbed(client, { name, bytes }, { random });
  await killing;
  return id;
}

async function runJob(
  client: Client,
  { uploads, images, number }: {
    uploads: readonly string[];
    images: readonly KnownImage[];
    number: number;
  },
): Promise<string[]> {
  const faults: string[] = [];
  const { body: job } = await client.call("POST", "/v1/jobs", {
    json: {
      images: uploads.map((upload) => ({ upload })),
      parameters: parametersOf(number),
      outputs: OUTPUTS,
    },
    headers: { "idempotency-key": `folder-${number}` },
  });
  const deadline = performance.now() + END_MS;
  for (;;) {
    const { body } = await client.call("GET", `/v1/jobs/${job.id}`);
    if (isFinal(body.state)) break;
    if (performance.now() > deadline) return [`${job.id} is ${body.state}`];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { body } = await client.call("GET", `/v1/jobs/${job.id}/results`);
  for (const image of body.images) {
    const at = `folder killed: ${job.id} image ${image.index}`;
    if (image.state !== "succeeded") {
      faults.push(`${at} is ${image.state}: ${image.error}`);
      continue;
    }
    const { digests } = images[image.index];
    const files = Object.keys(image.files).filter(isCompared).sort();
    if (files.join() !== Object.keys(digests).sort().join()) {
      faults.push(`${at} has the files ${files}`);
    }
    for (const file of files) {
      const bytes = await client.download(image.files[file].url);
      if (sha256(bytes) !== digests[file]) {
        faults.push(`${at}: ${file} differs`);
      }
    }
  }
  return faults;
}

/** No parts are left of what is stored, and each object is as it says. */
async function judgeFolder(data: string): Promise<string[]> {
  const faults: string[] = [];
  const { store } = await openDataFolder(data);
  // one that was announced to nobody is swept after a day
  for (const upload of await store.listMultiparts("")) {
    if (await store.head(upload.key) === undefined) continue;
    faults.push(`folder killed: parts of ${upload.key} are left`);
  }
  const { objects } = await store.list("");
  for (const { key } of objects) {
    const { info, body } = await store.get(key);
    const bytes = new Uint8Array(await new Response(body).arrayBuffer());
    const isWhole = bytes.length === info.length &&
      (info.sha256 === undefined || sha256(bytes) === info.sha256);
    if (!isWhole) faults.push(`folder killed: ${key} is not as it says`);
  }
  await store.close();
  return faults;
}
