/**
 * Cases and peers, ready to run.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadCore } from "../../wasm/mod.ts";
import type { BenchCase } from "./case_folder.ts";
import { makeCase, type WriteFlows } from "./cases.ts";
import { readNpy, writeNpy } from "./npy.ts";
import { STAGES } from "./ours.ts";
import type { Installed } from "./peers/install.ts";
import { type Peer, startPeer } from "./peers/peer.ts";

/**
 * Make a case, with Cellpose's flows where there is a Cellpose.
 *
 * Cases whose flows are its own and cases whose flows are ours lie apart.
 */
export async function findCase(
  name: string,
  cache: string,
  { python }: Installed,
): Promise<string> {
  const writeFlows = python ? flowsOfCellpose(python) : ownFlows;
  const root = join(cache, "cases", python ? "cellpose" : "own");
  return await makeCase(name, root, writeFlows);
}

function flowsOfCellpose(python: string): WriteFlows {
  return async (folder) => {
    const script = scriptPath("write_flows.py");
    const peer = await startPeer("Cellpose", [], [python, script, folder]);
    await peer.close();
  };
}

/** Our own flows of `labels.npy`, leak included. */
export const ownFlows: WriteFlows = async (folder) => {
  const { data, shape } = await readNpy(join(folder, "labels.npy"));
  const [width, height, depth] = [...shape].reverse();
  const size = depth ? { depth, height, width } : { height, width };
  const core = await loadCore();
  const flows = core.labelsToFlows(Uint32Array.from(data), size, {
    parity: true,
  });
  await writeNpy(join(folder, "flows.npy"), flows, [shape.length, ...shape]);
};

/** Start the peers that can do a case. */
export async function startPeers(
  { python, cellposeJs }: Installed,
  { folder, isVolume }: BenchCase,
): Promise<Peer[]> {
  const peers: Peer[] = [];
  if (python) {
    const args = [python, scriptPath("run_cellpose.py"), folder];
    peers.push(await startPeer("Cellpose", STAGES, args));
  }
  if (cellposeJs && !isVolume) {
    const script = scriptPath("run_cellpose_js.ts");
    const args = [Deno.execPath(), "run", "-A", script, cellposeJs, folder];
    peers.push(await startPeer("cellpose-js", ["trackCluster"], args));
  }
  return peers;
}

function scriptPath(name: string): string {
  return fileURLToPath(new URL(`./peers/${name}`, import.meta.url));
}
