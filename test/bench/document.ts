/**
 * Put the benchmark's tables into `docs/benchmarks.md`.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";

const BEGIN = "<!-- bench core: begin -->";
const END = "<!-- bench core: end -->";

/**
 * Replace what stands between the marks.
 *
 * @throws {Error} if the page has lost its marks
 */
export async function documentTables(
  page: URL,
  tables: string,
): Promise<void> {
  const text = await readFile(page, "utf8");
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from < 0 || to < from) {
    throw new Error(`${page.pathname} lacks "${BEGIN}" … "${END}"`);
  }
  const head = text.slice(0, from + BEGIN.length);
  await writeFile(page, `${head}\n\n${tables}\n\n${text.slice(to)}`);
  // align the columns, as the format check of the project asks
  await promisify(execFile)(Deno.execPath(), ["fmt", page.pathname]);
}
