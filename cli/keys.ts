/**
 * `keys create|list|revoke`: the keys of a service on an embedded folder, or
 * on NATS where the environment names it.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type KeyBook, openKeyBook, SCOPES } from "../edge/access/keys.ts";
import { openBackend } from "../shared/connect/open.ts";
import { readEnvironment } from "../shared/connect/settings.ts";
import { openSqlite } from "../shared/queue/sqlite.ts";
import type { Json, QueueBackend } from "../shared/queue/types.ts";
import { callerPath } from "./caller_path.ts";
import { printLine } from "./print.ts";
import { UsageError } from "./usage_error.ts";

const DAY_MS = 86_400_000;

/** Which service. */
interface KeysCommand {
  readonly data: string;
}

/** Options of `keys create`. */
export interface CreateCommand extends KeysCommand {
  readonly tenant: string;
  readonly name: string;
  readonly scopes: string;
  readonly days?: string;
  readonly rate: string;
  readonly maxBytes?: string;
  readonly maxPixels?: string;
  readonly maxGpuSeconds?: string;
}

/** Make a key; the key alone goes to the standard output. */
export async function createKey(command: CreateCommand): Promise<void> {
  const scopes = command.scopes.split(",").map((text) => {
    const scope = SCOPES.find((each) => each === text.trim());
    if (scope === undefined) {
      throw new UsageError(
        `option --scopes: ${text} is none of ${SCOPES.join(", ")}`,
      );
    }
    return scope;
  });
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(command.tenant)) {
    throw new UsageError(
      "option --tenant: takes a-z, 0-9 and hyphens, 63 at most",
    );
  }
  await withKeys(command, async (book) => {
    const { key } = await book.create({
      tenant: command.tenant,
      name: command.name,
      scopes,
      requestsPerSecond: readPositive("--rate", command.rate),
      ...(command.days === undefined ? {} : {
        expires: Date.now() + DAY_MS * readPositive("--days", command.days),
      }),
      budgets: {
        bytes: readOptional("--max-bytes", command.maxBytes),
        pixels: readOptional("--max-pixels", command.maxPixels),
        gpuSeconds: readOptional("--max-gpu-seconds", command.maxGpuSeconds),
      },
    });
    printLine(key);
  });
}

/** Print all keys' records. */
export async function listKeys(
  command: KeysCommand & { readonly json?: boolean },
): Promise<void> {
  await withKeys(command, async (book) => {
    const records = (await book.list()).map(({ hash: _, ...rest }) => rest);
    if (command.json) {
      printLine(JSON.stringify(records));
      return;
    }
    for (const record of records) {
      const { id, tenant, name, scopes, expires, revoked } = record;
      const state = revoked !== null
        ? "revoked"
        : expires === null
        ? "valid"
        : expires < Date.now()
        ? "expired"
        : `valid until ${new Date(expires).toISOString()}`;
      printLine(`${id}  ${tenant}  ${scopes.join(",")}  ${state}  ${name}`);
    }
  });
}

/** Make a key invalid. */
export async function revokeKey(
  id: string,
  command: KeysCommand,
): Promise<void> {
  await withKeys(command, async (book) => {
    await book.revoke(id);
    printLine(`revoked ${id}`);
  });
}

async function withKeys(
  { data }: KeysCommand,
  work: (book: KeyBook) => Promise<void>,
): Promise<void> {
  const backend = await openKeysBackend(data);
  try {
    const records = await backend.records<Json>("keys");
    await work(openKeyBook(records, Date.now));
  } finally {
    await backend.close();
  }
}

/** The queue of a container's environment, else that of a folder. */
async function openKeysBackend(data: string): Promise<QueueBackend> {
  if (process.env.CYTOEDGE_NATS) {
    return await openBackend(readEnvironment(process.env), "cytoedge keys");
  }
  const path = join(callerPath(data), "queue.sqlite");
  if (!existsSync(path)) {
    throw new UsageError(
      `${
        callerPath(data)
      } is no service's folder; start it once with \`serve --data DIR\`, or set CYTOEDGE_NATS`,
    );
  }
  return openSqlite({ path });
}

function readOptional(option: string, text: string | undefined) {
  return text === undefined ? null : readPositive(option, text);
}

function readPositive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) {
    throw new UsageError(`option ${option}: ${text} is no number above 0`);
  }
  return value;
}
