/**
 * An upload in parts that is disturbed: parts are cut off, sent twice, lost;
 * it is completed too early, by two at once, and again.
 *
 * @module
 */
import type { Random } from "../../shared/synthetic/random.ts";
import { breakPut } from "./broken_put.ts";
import type { Client } from "./client.ts";
import { sha256 } from "./config.ts";

/** What chaos' edges take at once, and a part of more: S3's least. */
export const PART_SETTINGS = {
  maxSinglePutBytes: 6 * 2 ** 20,
  partBytes: 5 * 2 ** 20,
} as const;

/** Parts of the files: the last is short. */
const BYTES = 2 * PART_SETTINGS.partBytes + 1000;

/** The same picture in a file of several parts: what follows it is ignored. */
export function padPng(png: Uint8Array, random: Random): Uint8Array {
  const padded = new Uint8Array(BYTES);
  padded.set(png);
  const start = png.length;
  // another file each time, and no zeros that could be left out
  for (let at = start; at < BYTES; at += 4096) padded[at] = random.below(256);
  return padded;
}

/**
 * Announce a file, send its parts with faults, and complete it.
 *
 * @param then  done once while a part is on its way
 * @returns     its id
 * @throws {Error} naming what was not as it must be
 */
export async function uploadDisturbed(
  client: Client,
  { name, bytes }: { readonly name: string; readonly bytes: Uint8Array },
  { random, then }: {
    readonly random: Random;
    readonly then?: () => Promise<void>;
  },
): Promise<string> {
  const id = await client.announce(name, bytes);
  const path = `/v1/uploads/${id}`;
  const { partBytes } = PART_SETTINGS;
  const count = Math.ceil(bytes.length / partBytes);
  const partOf = (number: number) =>
    bytes.subarray((number - 1) * partBytes, number * partBytes);
  const sign = (number: number) => async () => {
    const { status, body } = await client.call("POST", `${path}/parts`, {
      json: { number, sha256: sha256(partOf(number)) },
    });
    if (status !== 200) throw new Error(`part ${number}: ${status}`);
    return body;
  };
  const send = (number: number) => client.put(sign(number), partOf(number));

  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  const lost = numbers[random.below(count)];
  const broken = numbers[random.below(count)];
  await breakPut(await sign(broken)(), partOf(broken), {
    share: random.uniform(),
    ...(then ? { then } : {}),
  });
  // in any order, one of them twice, one not at all
  for (const number of numbers.toReversed()) {
    if (number !== lost) await send(number);
  }
  if (lost !== broken) await send(broken);
  const early = await client.call("POST", `${path}/complete`);
  if (early.status !== 400) {
    throw new Error(
      `${id} was completed without part ${lost}: ${early.status}`,
    );
  }
  const { received } = (await client.call("GET", path)).body.multipart;
  const wanted = numbers.filter((number) => number !== lost);
  if (received.join() !== wanted.join()) {
    throw new Error(`${id} has the parts ${received}, not ${wanted}`);
  }
  await send(lost);
  const complete = () => client.call("POST", `${path}/complete`);
  const ends = await Promise.all([complete(), complete()]);
  for (const { status, body } of [...ends, await complete()]) {
    if (status !== 200 || body.state !== "stored") {
      throw new Error(`${id} completed: ${status} ${JSON.stringify(body)}`);
    }
  }
  return id;
}
