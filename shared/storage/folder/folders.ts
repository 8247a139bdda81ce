/**
 * Folders that are durable, walked in the order of keys, and removed when
 * empty.
 *
 * @module
 */
import type { Dirent } from "node:fs";
import { mkdir, open, readdir, rmdir } from "node:fs/promises";
import { dirname } from "node:path";

/** Whether an error is one of the file system's, of one of these codes. */
export function hasCode(err: unknown, ...codes: string[]): boolean {
  return err instanceof Error && "code" in err &&
    codes.includes(String(err.code));
}

/** Make a folder and those above it; their names survive a power failure. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let folder = path; folder.length >= first.length;) {
    folder = dirname(folder);
    await syncFolder(folder);
  }
}

/** Make the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  let folder;
  try {
    folder = await open(path, "r");
    await folder.sync();
  } catch (err) {
    // emptied and removed since, or a system that cannot sync a folder
    if (!hasCode(err, "ENOENT", "EISDIR", "EPERM", "EINVAL")) throw err;
  } finally {
    // nothing is left to be written: nobody need wait
    folder?.close().catch(() => {});
  }
}

/** Remove a folder and those above it, below `root`, as far as empty. */
export async function pruneFolders(path: string, root: string): Promise<void> {
  for (let folder = path; folder.length > root.length;) {
    try {
      await rmdir(folder);
    } catch {
      return;
    }
    folder = dirname(folder);
  }
}

/**
 * Files below a folder, as paths with slashes, in order of their bytes.
 *
 * @param root    the folder
 * @param prefix  paths begin with it
 * @param after   paths come behind it
 */
export async function* walkFiles(
  root: string,
  prefix: string,
  after: string,
): AsyncGenerator<string> {
  const cut = prefix.lastIndexOf("/") + 1;
  yield* walk(prefix.slice(0, cut));

  async function* walk(folder: string): AsyncGenerator<string> {
    for (const { path, isFolder } of await entriesOf(root, folder)) {
      const isWanted = isFolder
        ? (path.startsWith(prefix) || prefix.startsWith(path)) &&
          (path > after || after.startsWith(path))
        : path.startsWith(prefix) && path > after;
      if (!isWanted) continue;
      if (isFolder) yield* walk(path);
      else yield path;
    }
  }
}

// a folder sorts with its slash: "a-b" comes before "a/b"
async function entriesOf(root: string, folder: string) {
  let entries: Dirent[];
  try {
    entries = await readdir(`${root}/${folder}`, { withFileTypes: true });
  } catch (err) {
    if (hasCode(err, "ENOENT", "ENOTDIR")) return [];
    throw err;
  }
  return entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => ({
      path: `${folder}${entry.name}${entry.isDirectory() ? "/" : ""}`,
      isFolder: entry.isDirectory(),
    }))
    .sort((a, b) => a.path < b.path ? -1 : 1);
}
