/**
 * Put the benchmark's tables into `docs/benchmarks.md`.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";

/**
 * Replace what stands between the marks of a benchmark.
 *
 * @param name  "core", "encode", …
 * @throws {Error} if the page has lost its marks
 */
export async function documentTables(
  page: URL,
  tables: string,
  name: string,
): Promise<void> {
  const begin = `<!-- bench ${name}: begin -->`;
  const end = `<!-- bench ${name}: end -->`;
  const text = await readFile(page, "utf8");
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) {
    throw new Error(`${page.pathname} lacks "${begin}" … "${end}"`);
  }
  const head = text.slice(0, from + begin.length);
  await writeFile(page, `${head}\n\n${tables}\n\n${text.slice(to)}`);
  // align the columns, as the format check of the project asks
  await promisify(execFile)(Deno.execPath(), ["fmt", page.pathname]);
}
