/**
 * Files of the model that previews, for browsers that run it themselves.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { NotFoundError } from "../shared/errors.ts";
import { ModelJson } from "../shared/schema/model.ts";

/**
 * Read a file that the model names, or its description.
 *
 * @throws {NotFoundError} for any other name
 */
export async function readModelFile(
  folder: string,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const text = await readFile(join(folder, "model.json"), "utf8");
  const { networks } = ModelJson.parse(JSON.parse(text));
  const names = networks.flatMap(({ files }) => files.map((file) => file.name));
  if (name !== "model.json" && !names.includes(name)) {
    throw new NotFoundError("model file", name);
  }
  return new Uint8Array(await readFile(join(folder, name)));
}
