/**
 * Install the peers in the benchmark's cache, once.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const CELLPOSE_VERSION = "4.2.1.1";
export const CELLPOSE_JS_VERSION = "0.4.1";

/** Folder of peers and cases where no other is named. */
export const DEFAULT_CACHE = fileURLToPath(
  new URL("../../../.cache/bench", import.meta.url),
);

const call = promisify(execFile);

export interface InstallOptions {
  /** Folder of the installed peers. */
  readonly cache: string;
  /** False: use what is there, install nothing. */
  readonly mayInstall: boolean;
  readonly note: (text: string) => void;
}

/** Where the peers are; a peer that cannot be had is absent. */
export interface Installed {
  /** A Python with Cellpose. */
  readonly python?: string;
  /** Folder of cellpose-js. */
  readonly cellposeJs?: string;
}

/**
 * Find or install both peers; what fails is noted and left out.
 *
 * @param python  a Python that has Cellpose already, instead of an own one
 */
export async function installPeers(
  options: InstallOptions,
  python?: string,
): Promise<Installed> {
  const found: { python?: string; cellposeJs?: string } = {};
  try {
    found.python = await installCellpose(options, python);
  } catch (err) {
    options.note(`without Cellpose ${CELLPOSE_VERSION}: ${firstLine(err)}`);
  }
  try {
    found.cellposeJs = await installCellposeJs(options);
  } catch (err) {
    options.note(
      `without cellpose-js ${CELLPOSE_JS_VERSION}: ${firstLine(err)}`,
    );
  }
  return found;
}

/** A Python with Cellpose, and so with PyTorch; installed where it may be. */
export async function installCellpose(
  { cache, mayInstall, note }: InstallOptions,
  given?: string,
): Promise<string> {
  const folder = join(cache, "venv");
  const python = given ?? join(folder, "bin", "python");
  if (!await exists(python)) {
    if (!mayInstall) throw new Error("not installed");
    note(`installing cellpose==${CELLPOSE_VERSION} (PyPI) in ${folder}`);
    await mkdir(cache, { recursive: true });
    await call("python3", ["-m", "venv", folder]);
  }
  if (given === undefined && mayInstall) {
    // does nothing where it is installed
    const pip = ["-m", "pip", "install", "--quiet"];
    await call(python, [...pip, `cellpose==${CELLPOSE_VERSION}`]);
  }
  const { stdout } = await call(python, [
    "-c",
    "from importlib.metadata import version; print(version('cellpose'))",
  ]);
  if (stdout.trim() !== CELLPOSE_VERSION) {
    throw new Error(`${python} has Cellpose ${stdout.trim()}`);
  }
  return python;
}

async function installCellposeJs(
  { cache, mayInstall, note }: InstallOptions,
): Promise<string> {
  const prefix = join(cache, `cellpose-js-${CELLPOSE_JS_VERSION}`);
  const folder = join(prefix, "node_modules", "cellpose-js");
  if (await exists(join(folder, "package.json"))) return folder;
  if (!mayInstall) throw new Error("not installed");
  note(`installing cellpose-js@${CELLPOSE_JS_VERSION} (npm) in ${prefix}`);
  await mkdir(prefix, { recursive: true });
  await call("npm", [
    "install",
    "--prefix",
    prefix,
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    // its runtime for the network is not used
    "--legacy-peer-deps",
    `cellpose-js@${CELLPOSE_JS_VERSION}`,
  ]);
  return folder;
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(() => true, () => false);
}

function firstLine(err: unknown): string {
  return (err instanceof Error ? err.message : String(err)).split("\n")[0];
}
