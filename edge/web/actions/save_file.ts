/**
 * Files for the user.
 *
 * @module
 */

/** Give the user a file. */
export function saveFile(name: string, content: BlobPart, type = ""): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
