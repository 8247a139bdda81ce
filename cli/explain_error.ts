/**
 * What is printed of an error.
 *
 * @module
 */

/** What the system's codes mean to who called. */
const CODES: Readonly<Record<string, string>> = {
  EACCES: "may not be read or written",
  EEXIST: "is a file, not a folder",
  EISDIR: "is a folder, not a file",
  ENOENT: "is not there",
  ENOSPC: "does not fit: the disk is full",
  ENOTDIR: "is not in a folder",
  EPERM: "may not be read or written",
  EROFS: "cannot be written: the disk is read-only",
};

/** An error's message; of the system's, the path and what is wrong with it. */
export function explainError(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  const { code = "", path } = err as NodeJS.ErrnoException;
  const meaning = CODES[code];
  if (meaning === undefined) return err.message;
  if (path !== undefined) return `${path} ${meaning}`;
  // writes tell the code alone
  return code === "ENOSPC" ? `What is written ${meaning}` : err.message;
}
