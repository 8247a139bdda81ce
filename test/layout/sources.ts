/**
 * The project's TypeScript files, parsed, as the layout tests see them.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const SKIPPED = new Set(["node_modules", "dist", "fixtures", "out", "target"]);

/** A file of the project. */
export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

/** Every .ts and .tsx file below a folder of the project, in order of their paths. */
export function readSources(folder = "."): SourceFile[] {
  return walk(join(ROOT, folder))
    .map((path) => relative(ROOT, path).replaceAll("\\", "/"))
    .filter((path) => /\.tsx?$/.test(path))
    .sort()
    .map((path) => parse(path, readFileSync(join(ROOT, path), "utf8")));
}

/** Parse a text as if it were a file of the project. */
export function parse(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return { path, text, tree };
}

/**
 * What a file imports: `shared/errors.ts` for files of the project, the
 * specifier as it stands for packages.
 */
export function importsOf({ path, text }: SourceFile): string[] {
  return ts.preProcessFile(text, true, true).importedFiles
    .map(({ fileName }) => fileName)
    .map((name) =>
      name.startsWith(".") ? posix.join(posix.dirname(path), name) : name
    )
    // AssemblyScript names files without their ending
    .map((name) =>
      path.startsWith("wasm/assembly/") && !name.endsWith(".ts")
        ? `${name}.ts`
        : name
    );
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith(".") || SKIPPED.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}
