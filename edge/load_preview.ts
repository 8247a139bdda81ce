/**
 * The edge's models, from their folders, on the web runtime: the one that
 * previews, and the one that answers prompts.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { ModelError } from "../shared/errors.ts";
import { loadWebEncoder } from "../shared/models/encoder_web.ts";
import { loadWebPromptModel } from "../shared/models/prompt_model_web.ts";
import type { Encoder } from "../shared/pipeline/encoder.ts";
import type { PromptModel } from "../shared/pipeline/prompt_model.ts";
import { ModelJson } from "../shared/schema/model.ts";

/** Load a model's folder for the web runtime, one thread. */
export async function loadPreview(folder: string): Promise<Encoder> {
  const { json, read } = await openFolder(folder);
  const graph = await read(json.networks[0].files[0].name);
  const size = json.networks.find((each) => each.name === "size");
  return await loadWebEncoder({
    name: "preview",
    json,
    graph,
    ...(size ? { size: await read(size.files[0].name) } : {}),
  }, { providers: ["wasm"], ...runtimeOptions() });
}

/**
 * The same for a model that answers prompts.
 *
 * @throws {ModelError} if there is none, or it answers no prompts
 */
export async function loadPrompted(folder: string): Promise<PromptModel> {
  const { json, read } = await openFolder(folder);
  return await loadWebPromptModel(
    { name: basename(folder), json, read },
    runtimeOptions(),
  );
}

async function openFolder(folder: string) {
  const path = join(folder, "model.json");
  if (!existsSync(path)) {
    throw new ModelError(
      basename(folder),
      `there is no ${path}; make one with: cli import CHECKPOINT --out ${folder}`,
    );
  }
  return {
    json: ModelJson.parse(JSON.parse(await readFile(path, "utf8"))),
    read: async (name: string) =>
      new Uint8Array(await readFile(join(folder, name))),
  };
}

function runtimeOptions() {
  const require = createRequire(import.meta.url);
  const runtime = dirname(require.resolve("onnxruntime-web"));
  return { threads: 1, wasmPaths: `${pathToFileURL(runtime).href}/` };
}
