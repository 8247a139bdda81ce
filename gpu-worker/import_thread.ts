/**
 * The thread of an import: reading a large checkpoint takes a while, and the
 * process has leases to renew and may have requests to answer.
 *
 * In: `ImportAsk`. Out: `ImportReply`.
 *
 * @module
 */
import { openFile } from "./import/byte_source.ts";
import { importModel, type ImportOptions } from "./import/import_model.ts";
import { readZip } from "./import/read_zip.ts";
import { unpackModel } from "./unpack_model.ts";

/** What the thread is sent. */
export interface ImportAsk {
  readonly path: string;
  readonly folder: string;
  readonly options: ImportOptions;
}

/** What it answers: nothing, or what is wrong with the file. */
export interface ImportReply {
  readonly error?: string;
}

/** A worker's scope, as far as it is used; the DOM's types have none. */
interface Scope {
  onmessage: ((event: MessageEvent<ImportAsk>) => void) | null;
  postMessage(reply: ImportReply): void;
}

const scope = globalThis as unknown as Scope;
scope.onmessage = ({ data }) => {
  try {
    run(data);
    scope.postMessage({});
  } catch (err) {
    scope.postMessage({
      error: err instanceof Error ? err.message : String(err),
    });
  }
};

function run({ path, folder, options }: ImportAsk): void {
  const file = openFile(path);
  try {
    const head = file.read(0, Math.min(2, file.size));
    const isZip = head[0] === 0x50 && head[1] === 0x4b;
    if (isZip && unpackModel(readZip(file), folder)) return;
  } finally {
    file.close();
  }
  importModel(path, folder, options);
}
