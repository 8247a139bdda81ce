/**
 * The model that previews, from its folder, on the web runtime.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { loadWebEncoder } from "../shared/models/encoder_web.ts";
import type { Encoder } from "../shared/pipeline/encoder.ts";
import { ModelJson } from "../shared/schema/model.ts";

/** Load a model's folder for the web runtime, one thread. */
export async function loadPreview(folder: string): Promise<Encoder> {
  const text = await readFile(join(folder, "model.json"), "utf8");
  const json = ModelJson.parse(JSON.parse(text));
  const read = async (name: string) =>
    new Uint8Array(await readFile(join(folder, name)));
  const graph = await read(json.networks[0].files[0].name);
  const size = json.networks.find((each) => each.name === "size");
  const require = createRequire(import.meta.url);
  const runtime = dirname(require.resolve("onnxruntime-web"));
  return await loadWebEncoder({
    name: "preview",
    json,
    graph,
    ...(size ? { size: await read(size.files[0].name) } : {}),
  }, {
    providers: ["wasm"],
    threads: 1,
    wasmPaths: `${pathToFileURL(runtime).href}/`,
  });
}
