/**
 * Write `docs/abi.md`: the prose that stands in it, then every export of the
 * module from the docs of `assembly/`.
 *
 *   deno task abi
 *
 * A test compares the page with what this would write.
 *
 * @module
 */
import { readFile, writeFile } from "node:fs/promises";
import ts from "typescript";

/** What follows this line is written by this script. */
const MARKER = "<!-- The rest is written by `deno task abi` -->";

const ASSEMBLY = new URL("../assembly/", import.meta.url);

/** The page. */
export const ABI_PAGE = new URL("../../docs/abi.md", import.meta.url);

/** An export of the module. */
export interface Export {
  readonly name: string;
  /** The comment above its line in `index.ts`. */
  readonly group: string;
  readonly file: string;
  readonly parameters: readonly Parameter[];
  /** AssemblyScript's name of the type; "void" for none. */
  readonly result: string;
  /** Its own doc, without the stars; empty if the file's head is its doc. */
  readonly doc: string;
  /** The doc of its file, which may serve several exports. */
  readonly head: string;
}

/** A parameter and AssemblyScript's name of its type. */
export interface Parameter {
  readonly name: string;
  readonly type: string;
}

if (import.meta.main) {
  await writeFile(ABI_PAGE, await renderPage());
}

/** The page as it should be: its prose as it is, its exports anew. */
export async function renderPage(): Promise<string> {
  const [prose, rest] = (await readFile(ABI_PAGE, "utf8")).split(MARKER);
  if (rest === undefined) throw new Error(`docs/abi.md must hold ${MARKER}`);
  return `${prose}${MARKER}\n${renderExports(await readExports())}`;
}

/** The module's exports, in the order of `index.ts`. */
export async function readExports(): Promise<Export[]> {
  const index = await parse("index.ts");
  const exports: Export[] = [];
  let group = "";
  for (const statement of index.statements) {
    if (!ts.isExportDeclaration(statement)) continue;
    group = commentAbove(statement) ?? group;
    const { exportClause, moduleSpecifier } = statement;
    if (!exportClause || !ts.isNamedExports(exportClause)) continue;
    if (!moduleSpecifier || !ts.isStringLiteral(moduleSpecifier)) continue;
    const file = `${moduleSpecifier.text.replace("./", "")}.ts`;
    const source = await parse(file);
    for (const { name, propertyName } of exportClause.elements) {
      const inFile = (propertyName ?? name).text;
      exports.push({
        name: name.text,
        group,
        file,
        ...describe(findFunction(source, inFile)),
        head: headOf(source),
      });
    }
  }
  return exports;
}

function describe(node: ts.FunctionDeclaration) {
  const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  // with nothing but imports between, the head of the file is taken for a doc
  const own = docs.at(-1);
  return {
    parameters: node.parameters.map(({ name, type }) => ({
      name: name.getText(),
      type: type?.getText() ?? "",
    })),
    result: node.type?.getText() ?? "void",
    doc: own === undefined || own.pos === 0 ? "" : unstar(own.getText()),
  };
}

function findFunction(
  source: ts.SourceFile,
  name: string,
): ts.FunctionDeclaration {
  const found = source.statements.filter(ts.isFunctionDeclaration)
    .find((node) => node.name?.text === name);
  if (found === undefined) throw new Error(`${source.fileName} has no ${name}`);
  return found;
}

async function parse(file: string): Promise<ts.SourceFile> {
  const text = await readFile(new URL(file, ASSEMBLY), "utf8");
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
}

/** The line comment right above a statement. */
function commentAbove(statement: ts.Statement): string | undefined {
  const { text } = statement.getSourceFile();
  const ranges = ts.getLeadingCommentRanges(text, statement.pos) ?? [];
  const last = ranges.at(-1);
  return last && text.slice(last.pos, last.end).replace(/^\/\/ */, "");
}

/** The doc at the start of a file. */
function headOf({ text }: ts.SourceFile): string {
  const [head] = text.match(/^\/\*\*.*?\*\//s) ?? [""];
  return unstar(head);
}

/** The text of a doc, its tables aligned as they are. */
function unstar(doc: string): string {
  return doc.replace(/^\/\*\*/, "").replace(/\*\/$/, "")
    .split("\n").map((line) => line.replace(/^ *\* ?/, "").trimEnd())
    .join("\n").trim();
}

function renderExports(exports: readonly Export[]): string {
  let page = "";
  exports.forEach((item, i) => {
    const before = exports[i - 1];
    if (item.group !== before?.group) page += `\n## ${capital(item.group)}\n`;
    if (item.file !== before?.file) {
      page += `\n### [${item.file}](../wasm/assembly/${item.file})\n`;
      page += block(item.head);
    }
    page += `\n#### ${item.name}\n`;
    page += block(signatureOf(item), "ts") + block(item.doc);
  });
  return page;
}

function signatureOf({ name, parameters, result }: Export): string {
  const list = parameters.map((p) => `${p.name}: ${p.type}`);
  const line = `${name}(${list.join(", ")}): ${result}`;
  if (line.length <= 80) return line;
  return `${name}(\n${list.map((p) => `  ${p},\n`).join("")}): ${result}`;
}

function block(text: string, language = "text"): string {
  return text === "" ? "" : `\n\`\`\`${language}\n${text}\n\`\`\`\n`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
