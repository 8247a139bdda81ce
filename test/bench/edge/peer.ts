/**
 * The peer: a FastAPI server around Cellpose, on the same machine.
 *
 * @module
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "../../servers/process.ts";
import { writeFullSize } from "../encode/tile.ts";
import { installPeers } from "../peers/install.ts";
import type { Note } from "../result.ts";

/** Imports of PyTorch take a while, ms. */
const START_MS = 120_000;
const HERE = new URL("../peers/", import.meta.url);

/** A peer that runs. */
export interface Peer {
  readonly url: string;
  /** Its network on an image, whose weights are random: no masks. */
  preview(image: Uint8Array<ArrayBuffer>): Promise<unknown>;
  score(
    truth: Uint8Array<ArrayBuffer>,
    prediction: Uint8Array<ArrayBuffer>,
  ): Promise<unknown>;
  stop(): Promise<void>;
}

/** Install what is missing and start it; undefined where it cannot be had. */
export async function startPeer(
  { cache, python: given, note }: {
    readonly cache: string;
    readonly python?: string | undefined;
    readonly note: Note;
  },
): Promise<Peer | undefined> {
  const { python } = await installPeers(
    { cache, mayInstall: true, note },
    given,
  );
  if (python === undefined) return undefined;
  const libraries = join(cache, "fastapi");
  try {
    await promisify(execFile)(python, [
      ...["-m", "pip", "install", "--quiet", "--disable-pip-version-check"],
      ...["--target", libraries, "--upgrade"],
      ...["-r", fileURLToPath(new URL("fastapi.txt", HERE))],
    ]);
  } catch (err) {
    note(`without FastAPI: ${err instanceof Error ? err.message : err}`);
    return undefined;
  }
  note("the peer's network, of full size");
  const checkpoint = await writeFullSize(python, cache);
  const port = await freePort();
  const script = fileURLToPath(new URL("serve_cellpose.py", HERE));
  const child = spawn(python, [script, `${port}`, checkpoint], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, PYTHONPATH: libraries },
  });
  let errors = "";
  child.stderr?.on("data", (text) => errors += text);
  const url = `http://127.0.0.1:${port}`;
  const end = performance.now() + START_MS;
  const answers = () =>
    fetch(`${url}/healthz`).then(
      (answer) => answer.text().then(() => true),
      () => false,
    );
  while (!await answers()) {
    if (child.exitCode !== null || performance.now() > end) {
      child.kill("SIGKILL");
      note(`without FastAPI: ${errors.slice(-500)}`);
      return undefined;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const send = async (
    path: string,
    files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>,
  ): Promise<unknown> => {
    const body = new FormData();
    for (const [name, bytes] of Object.entries(files)) {
      body.append(name, new File([bytes], name));
    }
    const answer = await fetch(url + path, { method: "POST", body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`peer: ${answer.status} ${text}`);
    return JSON.parse(text);
  };
  return {
    url,
    preview: (image) => send("/previews", { image }),
    score: (truth, prediction) => send("/scores", { truth, prediction }),
    async stop() {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}
