/**
 * The service: latency of previews, scores and jobs, and what it adds to them;
 * requests a second.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assembleEdge } from "../../edge/assemble.ts";
import { loadPreview } from "../../edge/load_preview.ts";
import { UNLIMITED } from "../../edge/access/keys.ts";
import { preview } from "../../edge/routes/previews.ts";
import { decodeImage } from "../../shared/image/decode.ts";
import { encodeLabelPng } from "../../shared/image/labels.ts";
import { encodePng } from "../../shared/image/png.ts";
import { findShippedModel } from "../../shared/models/shipped.ts";
import { openSqlite } from "../../shared/queue/sqlite.ts";
import { PreviewOptions } from "../../shared/schema/wire.ts";
import { openFolder } from "../../shared/storage/folder.ts";
import { loadCore } from "../../wasm/mod.ts";
import { findCommit } from "./commit.ts";
import { documentTables } from "./document.ts";
import { createCalls, type JobTimes } from "./edge/calls.ts";
import { summarize, timeInTurns } from "./edge/percentiles.ts";
import { type Peer, startPeer } from "./edge/peer.ts";
import type { EdgeResult } from "./edge/result.ts";
import { type Served, serveFolder } from "./edge/serve.ts";
import { formatEdge } from "./edge/table.ts";
import { askOften } from "./edge/throughput.ts";
import { DEFAULT_CACHE } from "./peers/install.ts";
import type { Note } from "./result.ts";
import { drawScene, SCENES } from "./scene.ts";

const EXAMPLE = new URL("../../examples/nuclei_2d.tif", import.meta.url);
const CORE = new URL("../../wasm/dist/core.wasm", import.meta.url);

/** How it is run. */
export interface EdgeOptions {
  /** Calls of each kind, in tens. */
  readonly rounds: number;
  /** Folder of the model; default: the shipped one. */
  readonly model?: string | undefined;
  /** Folder of installed peers, and a Python that has Cellpose. */
  readonly cache?: string | undefined;
  readonly python?: string | undefined;
  readonly isDocumented: boolean;
  readonly note: Note;
  readonly print: Note;
}

/** Run the benchmark; without a model it says so and ends. */
export async function benchEdge(
  options: EdgeOptions,
): Promise<EdgeResult | undefined> {
  const { note } = options;
  const model = options.model ?? findShippedModel();
  if (model === undefined || !existsSync(join(model, "model.json"))) {
    note("no model comes with this version: name one with --model DIR");
    return undefined;
  }
  const before = loadavg()[0];
  const project = fileURLToPath(new URL("../../", import.meta.url));
  const data = await mkdtemp(join(tmpdir(), "cytoedge-edge-"));
  let served: Served | undefined;
  let peer: Peer | undefined;
  try {
    note("start the service");
    served = await serveFolder(join(data, "served"), model);
    const cache = options.cache ?? DEFAULT_CACHE;
    peer = await startPeer({ cache, python: options.python, note });
    const measured = await measure({ served, peer }, {
      ...options,
      data,
      model,
    });
    const result: EdgeResult = {
      date: new Date().toISOString().slice(0, 10),
      machine: `${
        cpus()[0]?.model ?? "unknown"
      }, ${availableParallelism()} threads`,
      commit: await findCommit(project),
      model: model.split("/").at(-1) ?? model,
      ...measured,
      memory: await served.memory(),
      load: [before, loadavg()[0]],
    };
    const out = join(project, "out", "bench");
    await mkdir(out, { recursive: true });
    await writeFile(join(out, "edge.json"), JSON.stringify(result, null, 2));
    const tables = formatEdge(result);
    options.print(tables);
    if (options.isDocumented) {
      const page = new URL("../../docs/benchmarks.md", import.meta.url);
      await documentTables(page, tables, "edge");
    }
    return result;
  } finally {
    await served?.stop();
    await peer?.stop();
    await rm(data, { recursive: true, force: true });
  }
}

async function measure(
  { served, peer }: { served: Served; peer: Peer | undefined },
  { rounds, note, data, model }: EdgeOptions & { data: string; model: string },
) {
  const calls = createCalls(served);
  const image = new Uint8Array(readFileSync(EXAMPLE));
  const firstFrom = performance.now();
  await calls.preview(image);
  const start = {
    answer: served.startMs,
    preview: served.startMs + performance.now() - firstFrom,
  };

  note("previews of 512×512, over HTTP and in this process by turns");
  const inside = await openInside(data, model);
  const previews = await timeInTurns({
    "preview, HTTP": () => calls.preview(image),
    "preview, in process": () => inside.preview(image),
  }, { rounds: 10 * rounds });
  await inside.close();
  // calls of the peer take seconds
  const fewer = { rounds: Math.min(3, rounds), warm: 0 };
  const itsPreviews = peer === undefined ? {} : await timeInTurns({
    "preview, peer": () => peer.preview(image),
  }, fewer);

  note("scores of two label images of 1024×1024");
  const scene = SCENES["1024"];
  const [truth, prediction] = [scene, { ...scene, seed: 99 }].map((each) =>
    encodeLabelPng({
      masks: Uint32Array.from(drawScene(each)),
      size: { height: each.height, width: each.width },
    }) as Uint8Array<ArrayBuffer>
  );
  const scores = await timeInTurns({
    score: () => calls.score(truth, prediction),
  }, { rounds: 10 * rounds });
  const itsScores = peer === undefined ? {} : await timeInTurns({
    "score, peer": () => peer.score(truth, prediction),
  }, fewer);

  note("jobs of one image of 512×512");
  const decoded = await decodeImage(image);
  const jobs: JobTimes[] = [];
  let last = "";
  for (let i = -2; i < 4 * rounds; i++) {
    // another pixel: its result is not known yet
    const data = Uint16Array.from(decoded.data);
    data[0] = i + 10;
    const size = { height: decoded.shape[0], width: decoded.shape[1] };
    const bytes = encodePng({ data, size, channels: 1 });
    const { id, ...times } = await calls.job(new Uint8Array(bytes));
    if (i >= 0) jobs.push(times);
    last = id;
  }
  const of = (pick: (job: JobTimes) => number) => summarize(jobs.map(pick));

  note("requests a second");
  const throughput: Record<string, number> = {};
  for (const path of ["/healthz", "/v1/usage", `/v1/jobs/${last}`]) {
    const ask = { connections: 16, seconds: 1 };
    await askOften(served.url + path, served.key, ask);
    throughput[path.replace(last, ":id")] = await askOften(
      served.url + path,
      served.key,
      { ...ask, seconds: 3 },
    );
  }
  for (const path of peer ? ["/healthz", "/usage"] : []) {
    const ask = { connections: 16, seconds: 3 };
    const url = `${peer?.url}${path}`;
    throughput[`FastAPI: ${path}`] = await askOften(url, "", ask);
  }
  return {
    start,
    latency: { ...previews, ...itsPreviews, ...scores, ...itsScores },
    job: {
      total: of(({ total }) => total),
      encode: of(({ encode }) => encode),
      estimate: of(({ estimate }) => estimate),
      dynamics: of(({ dynamics }) => dynamics),
      rest: of(({ total, encode, estimate, dynamics }) =>
        total - encode - estimate - dynamics
      ),
    },
    throughput,
  };
}

/** The same edge in this process, called without HTTP. */
async function openInside(data: string, model: string) {
  const backend = openSqlite({ path: join(data, "inside.sqlite") });
  const store = await openFolder({
    root: join(data, "inside"),
    baseUrl: "/store",
    secret: new Uint8Array(32),
  });
  const deps = await assembleEdge({
    core: await loadCore(new Uint8Array(readFileSync(CORE))),
    coreVersion: "bench",
    backend,
    store,
    log: () => {},
    loadPreview: () => loadPreview(model),
  });
  const principal = { tenant: "bench", id: "bench", budgets: UNLIMITED };
  const options = PreviewOptions.parse({});
  return {
    preview: (bytes: Uint8Array<ArrayBuffer>) =>
      preview(deps, { principal, bytes, options }),
    async close() {
      await (await deps.preview()).close();
      await store.close();
      await backend.close();
    },
  };
}
