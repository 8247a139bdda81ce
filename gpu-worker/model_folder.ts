/**
 * A folder with a model: `model.json` and the files it names, checked.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { ModelError } from "../shared/errors.ts";
import {
  describeModel,
  type ModelInfo,
  ModelJson,
} from "../shared/schema/model.ts";

/** A model on disk whose files are what its description says. */
export interface ModelFolder {
  readonly model: ModelInfo;
  readonly json: ModelJson;
  /** SHA-256, lower-case hex. */
  readonly digest: string;
  /** Path of the network's graph. */
  readonly graph: string;
}

/**
 * Open a model's folder and check the digest of every file.
 *
 * @param folder  holds model.json
 * @throws {ModelError} if something is missing, broken or has been changed
 */
export async function openModelFolder(folder: string): Promise<ModelFolder> {
  const name = basename(folder);
  const path = join(folder, "model.json");
  if (!existsSync(path)) {
    throw new ModelError(
      name,
      `there is no ${path}; make one with: cli import CHECKPOINT --out ${folder}`,
    );
  }
  const json = await readJson(path, name);
  const model = describeModel(json, name);
  if (model === undefined) {
    throw new ModelError(name, `family ${json.family} is not known`);
  }
  const digests: string[] = [];
  for (const file of json.networks.flatMap(({ files }) => files)) {
    digests.push(await checkFile(folder, file, name));
  }
  const digest = digests.length === 1
    ? digests[0]
    : createHash("sha256").update(digests.join("\n")).digest("hex");
  if (digest !== json.sha256) {
    throw new ModelError(
      name,
      "model.json does not fit its files; import again",
    );
  }
  return {
    model,
    json,
    digest,
    graph: join(folder, json.networks[0].files[0].name),
  };
}

async function readJson(path: string, name: string): Promise<ModelJson> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new ModelError(name, `${path} is not JSON`, { cause });
  }
  const read = ModelJson.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new ModelError(
    name,
    `${path}: ${issue.path.join(".") || "it"}: ${issue.message}; import again`,
  );
}

async function checkFile(
  folder: string,
  file: { readonly name: string; readonly bytes: number; sha256: string },
  name: string,
): Promise<string> {
  const path = join(folder, file.name);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size !== file.bytes) {
    throw new ModelError(
      name,
      `${file.name} ${
        found ? `has ${found.size} bytes` : "is missing"
      }, ${file.bytes} bytes are expected; import again`,
    );
  }
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece);
  const digest = hash.digest("hex");
  if (digest !== file.sha256) {
    throw new ModelError(
      name,
      `${file.name} is not what was imported: its digest differs; import again`,
    );
  }
  return digest;
}
