/**
 * Thousands of small jobs through NATS, S3 and one or two workers whose
 * encoder sleeps: none lost, none done twice, memory flat, and how many more
 * two workers do than one.
 *
 * @module
 */
import { openStage, TENANT } from "../../chaos/stage.ts";
import { parametersOf } from "../../chaos/images.ts";
import type { Memory } from "../../chaos/memory.ts";
import { drawLabels } from "../../edge/service.ts";
import { forEachIndex } from "../../../shared/queue/change_record.ts";
import { NATS_SERVER, S3_SERVER } from "../../servers/programs.ts";
import type { Note } from "../result.ts";

/**
 * Sleep of the encoder, ms: long while the numbers of workers are compared, so
 * that processors do not count; short for the many.
 */
const [TIMED_MS, MANY_MS] = [800, 20];
/** Images of a worker at a time. */
const CONCURRENCY = 4;
/** Callers at a time. */
const CALLERS = 8;
/** Jobs that each number of workers is timed on. */
const TIMED = 100;
/** Memory is looked at so often while the many run. */
const LOOKS = 5;
/** What one of them may grow by after the first look, bytes. */
const FLAT = 8 * 2 ** 20;
const END_MS = 60 * 60_000;

/** What was found. */
export interface ManyJobs {
  readonly jobs: number;
  readonly lost: number;
  readonly twice: number;
  /** Images a second, with one worker and with two. */
  readonly perSecond: readonly [one: number, two: number];
  /** All jobs, with two workers, from the first request to the last end. */
  readonly seconds: number;
  /** At equal distances, the last at the end, by process. */
  readonly memory: Readonly<Record<string, readonly Memory[]>>;
}

/**
 * Run `count` jobs: 200 to compare the numbers of workers, the others with two.
 *
 * Of the jobs only their ids are held here.
 */
export async function runManyJobs(
  count: number,
  { note }: { note: Note },
): Promise<ManyJobs> {
  if (NATS_SERVER === undefined || S3_SERVER === undefined) {
    throw new Error(
      "nats-server or versitygw is missing: test/servers/programs.ts says how to install them",
    );
  }
  const stage = await openStage({
    ...{ seed: 1, workers: 2, tileMs: TIMED_MS, concurrency: CONCURRENCY },
    queueFaults: 0,
  });
  try {
    const { client, book, workers, edge } = stage;
    const upload = await client.upload(
      "cells.png",
      drawLabels({ edge: 64, cells: 1 }).png,
    );
    const ids: string[] = [];
    let made = 0;

    const send = async (jobs: number): Promise<string[]> => {
      const sent: string[] = [];
      let left = jobs;
      await Promise.all(Array.from({ length: CALLERS }, async () => {
        while (left-- > 0) {
          // another result id each: nothing is known before
          const k = ++made;
          const { status, body } = await client.call("POST", "/v1/jobs", {
            json: { images: [{ upload }], parameters: parametersOf(k) },
          });
          if (status !== 202) throw new Error(JSON.stringify(body));
          sent.push(body.id);
        }
      }));
      ids.push(...sent);
      return sent;
    };

    const waitFor = async (jobs: readonly string[]): Promise<number[]> => {
      const ends: number[] = [];
      const deadline = performance.now() + END_MS;
      for (const id of jobs) {
        for (;;) {
          const { finished } = await book.get(TENANT, id);
          if (finished !== null) {
            ends.push(finished);
            break;
          }
          if (performance.now() > deadline) return ends;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
      return ends;
    };

    const rate = async () => {
      const ends = (await waitFor(await send(TIMED))).sort((a, b) => a - b);
      // without the first and the last tenth, when not all lanes are busy
      const cut = Math.floor(ends.length / 10);
      const middle = ends.slice(cut, ends.length - cut);
      return 1000 * (middle.length - 1) /
        ((middle.at(-1) ?? 0) - middle[0]);
    };
    const two = await rate();
    note(`two workers: ${two.toFixed(1)} images a second`);
    workers[1].pause();
    const one = await rate();
    note(`one worker: ${one.toFixed(1)} images a second`);
    for (const worker of workers) await worker.kill({ tileMs: MANY_MS });
    await Promise.all(workers.map((worker) => worker.ready()));

    const from = performance.now();
    const processes = { edge, "worker 1": workers[0], "worker 2": workers[1] };
    const memory: Record<string, Memory[]> = {};
    const rest = Math.max(0, count - ids.length);
    for (let look = 0; look < LOOKS; look++) {
      const [done, next] = [look, look + 1]
        .map((part) => Math.round(part * rest / LOOKS));
      await waitFor(await send(next - done));
      for (const [name, process] of Object.entries(processes)) {
        (memory[name] ??= []).push(await process.memory());
      }
      const past = (performance.now() - from) / 1000;
      note(`${next} of ${rest} more jobs after ${past.toFixed(0)} s`);
    }
    const seconds = (performance.now() - from) / 1000;
    note("count");
    let [lost, twice, succeeded] = [0, 0, 0];
    await forEachIndex(ids.length, CALLERS, async (index) => {
      const id = ids[index];
      const job = await book.get(TENANT, id);
      if (job.state !== "succeeded") lost++;
      succeeded += job.succeeded;
      const events = await book.events.read([TENANT, id], { limit: 1000 });
      const ends = events.filter(({ type }) => type === "image");
      if (ends.length > 1) twice++;
    });
    const days = await stage.usage.list(TENANT);
    const charged = days.reduce((sum, { images }) => sum + images, 0);
    if (charged !== succeeded || twice > 0) {
      note(`${twice} jobs ended twice; ${charged} charged, ${succeeded} done`);
    }
    twice += Math.abs(charged - succeeded);
    return {
      ...{ jobs: ids.length, lost, twice, perSecond: [one, two] },
      ...{ seconds, memory },
    };
  } finally {
    await stage.close();
  }
}

/** What was found, in lines. */
export function describeManyJobs(
  { jobs, lost, twice, perSecond: [one, two], seconds, memory }: ManyJobs,
): string {
  const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
  return [
    `${jobs} jobs through NATS and S3: ${lost} lost, ${twice} twice; ` +
    `one worker ${one.toFixed(1)} images a second, two ${two.toFixed(1)} ` +
    `(${(two / one).toFixed(2)} ×; goal 1.8 ×); ${
      seconds.toFixed(0)
    } s with two.`,
    "Heap after a collection, with buffers, and resident memory, MiB:",
    ...Object.entries(memory).map(([name, looks]) =>
      `  ${name}: ${looks.map(held).map(mebibytes).join(", ")}; resident ${
        looks.map(({ resident }) => mebibytes(resident)).join(", ")
      }${isFlat(looks) ? "" : " GROWS"}`
    ),
  ].join("\n");
}

/** Whether what is held has stopped to grow. */
export function isFlat(looks: readonly Memory[]): boolean {
  const [first, ...later] = looks.map(held);
  return later.every((bytes) => bytes - first <= FLAT);
}

function held({ heap, external }: Memory): number {
  return heap + external;
}
