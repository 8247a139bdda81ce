/**
 * Bundle the host API's declarations: `mod.ts` → `core.d.ts`.
 *
 * @module
 */
import { generateDtsBundle } from "dts-bundle-generator";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "@std/path";
import ts from "typescript";

const OPTIONS = {
  strict: true,
  exactOptionalPropertyTypes: true,
  target: "es2022",
  lib: ["esnext", "dom", "dom.iterable"],
  module: "esnext",
  moduleResolution: "bundler",
  allowImportingTsExtensions: true,
  noEmit: true,
  skipLibCheck: true,
  types: ["node"],
};

/**
 * Bundle the declarations into one file that refers to no other.
 *
 * @throws {Error} where the sources have errors of type, after printing them
 */
export async function bundleTypes(entry: string, out: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cytoedge-types-"));
  try {
    // `node:` modules are used inside only, so their types do not matter
    const node = join(folder, "types", "node");
    await mkdir(node, { recursive: true });
    await writeFile(join(node, "index.d.ts"), `declare module "node:*";\n`);
    const config = {
      files: [entry],
      compilerOptions: { ...OPTIONS, typeRoots: [join(folder, "types")] },
    };
    const preferredConfigPath = join(folder, "tsconfig.json");
    await writeFile(preferredConfigPath, JSON.stringify(config));
    const [types] = generateDtsBundle(
      [{ filePath: entry, output: { noBanner: true } }],
      { preferredConfigPath },
    );
    const { options } = ts.convertCompilerOptionsFromJson(
      config.compilerOptions,
      folder,
    );
    await writeFile(out, addDocs(types, readDocs(entry, options)));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Docs of the functions that `createCore` returns, by name. The compiler drops
 * those of other files where it writes an inferred type.
 */
function readDocs(
  entry: string,
  options: ts.CompilerOptions,
): Map<string, string> {
  const program = ts.createProgram([entry], options);
  const checker = program.getTypeChecker();
  const create = findFunction(program.getSourceFile(entry), "createCore");
  const signature = checker.getSignatureFromDeclaration(create);
  if (signature === undefined) throw new Error("createCore has no signature");
  return new Map(
    signature.getReturnType().getProperties().map((property) => {
      const { valueDeclaration } = property;
      // `{ relabel }` stands for a function with the doc
      const symbol =
        valueDeclaration && ts.isShorthandPropertyAssignment(valueDeclaration)
          ? checker.getShorthandAssignmentValueSymbol(valueDeclaration)
          : property;
      const [doc] = (symbol?.declarations ?? [])
        .flatMap((node) => ts.getJSDocCommentsAndTags(node))
        .filter(ts.isJSDoc);
      return [property.name, doc?.getText() ?? ""];
    }),
  );
}

/** Put docs above the members of `createCore`'s result that have none. */
function addDocs(types: string, docs: ReadonlyMap<string, string>): string {
  const file = ts.createSourceFile(
    "core.d.ts",
    types,
    ts.ScriptTarget.Latest,
    true,
  );
  const { type } = findFunction(file, "createCore");
  if (type === undefined || !ts.isTypeLiteralNode(type)) return types;
  let documented = types;
  for (const member of type.members.toReversed()) {
    const doc = docs.get(member.name?.getText() ?? "") ?? "";
    if (ts.getJSDocCommentsAndTags(member).length > 0 || doc === "") continue;
    const at = member.getStart();
    const aligned = doc.replace(/\n\s*/g, "\n\t ");
    documented = `${documented.slice(0, at)}${aligned}\n\t${
      documented.slice(at)
    }`;
  }
  return documented;
}

function findFunction(
  file: ts.SourceFile | undefined,
  name: string,
): ts.FunctionDeclaration {
  const found = file?.statements.filter(ts.isFunctionDeclaration)
    .find((node) => node.name?.text === name);
  if (found === undefined) throw new Error(`There is no function ${name}`);
  return found;
}
