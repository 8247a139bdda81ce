import ts from "typescript";
import { expect, test } from "vitest";
import { parse, readSources, type SourceFile } from "./sources.ts";

/** Exports of the module that are its memory, not kernels. */
const MEMORY = ["wasm/assembly/heap.ts"];

type Documented =
  | ts.FunctionDeclaration
  | ts.MethodDeclaration
  | ts.PropertyAssignment
  | ts.VariableStatement;

const host = readSources("wasm").filter(({ path }) =>
  /^wasm\/[a-z_0-9]+\.ts$/.test(path)
);
const assembly = readSources("wasm/assembly");
const kernels = findKernels(assembly);

test("every public function of the host API has a doc", () => {
  expect(host.flatMap(undocumented)).toEqual([]);
});

test("every kernel has a doc", () => {
  expect(kernels.length).toBeGreaterThan(20);
  const missing = kernels.filter(({ node, tree }) =>
    // the head of a file may be the doc of its one kernel
    docOf(node) === "" && !(isAlone(node, kernels) && hasHead(tree))
  );
  expect(missing.map(({ path, name }) => `${path} ${name}`)).toEqual([]);
});

test("every parameter named in a doc exists", () => {
  expect([...host, ...assembly].flatMap(unknownParameters)).toEqual([]);
});

test("every kernel names its source", () => {
  const paths = new Set(kernels.map(({ path }) => path));
  const files = assembly.filter(({ path }) => paths.has(path));
  expect(files.flatMap(sourceless)).toEqual([]);
});

test("missing docs, unknown parameters and sources are found", () => {
  const bad = parse(
    "wasm/bad.ts",
    `export function a(x: number) {}
     /** A doc. @param y  what */
     export function b(x: number) {}
     export function area(arena: unknown) {
       function inner() {}
       return {
         inner,
         method() {},
         /** Has one. */
         fine() {},
       };
     }`,
  );
  expect(undocumented(bad)).toEqual([
    "wasm/bad.ts a",
    "wasm/bad.ts area",
    "wasm/bad.ts area.inner",
    "wasm/bad.ts area.method",
  ]);
  expect(unknownParameters(bad)).toEqual(["wasm/bad.ts b @param y"]);
  expect(sourceless(bad)).toEqual(["wasm/bad.ts"]);
});

/** Exported functions without a doc, and such members of what they return. */
function undocumented({ path, tree }: SourceFile): string[] {
  return tree.statements.filter(ts.isFunctionDeclaration).filter(isExported)
    .flatMap((node) => {
      const name = node.name?.text ?? "";
      const missing = docOf(node) === "" ? [`${path} ${name}`] : [];
      const members = membersOf(node)
        .filter(([, member]) => docOf(member) === "")
        .map(([member]) => `${path} ${name}.${member}`);
      return [...missing, ...members];
    });
}

/** Functions of the object literal that a function returns. */
function membersOf(
  node: ts.FunctionDeclaration,
): [name: string, node: Documented][] {
  const body = [...node.body?.statements ?? []];
  const returned = body.filter(ts.isReturnStatement)
    .map(({ expression }) => expression)
    .find((value) => value && ts.isObjectLiteralExpression(value));
  if (!returned || !ts.isObjectLiteralExpression(returned)) return [];
  return returned.properties.flatMap((property) => {
    const name = property.name?.getText() ?? "";
    if (ts.isMethodDeclaration(property) || isFunctionValue(property)) {
      return [[name, property] as [string, Documented]];
    }
    if (!ts.isShorthandPropertyAssignment(property)) return [];
    const local = [...body, ...node.getSourceFile().statements]
      .filter(ts.isFunctionDeclaration)
      .find((inner) => inner.name?.text === name);
    return local ? [[name, local] as [string, Documented]] : [];
  });
}

function isFunctionValue(node: ts.Node): node is ts.PropertyAssignment {
  return ts.isPropertyAssignment(node) &&
    (ts.isArrowFunction(node.initializer) ||
      ts.isFunctionExpression(node.initializer));
}

/** `@param` names that the function does not have. */
function unknownParameters({ path, tree }: SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) {
      const known = node.parameters.flatMap(({ name }) => namesOf(name));
      // a destructured parameter has no name of its own: docs may give it one
      let unnamed = node.parameters.filter(({ name }) =>
        !ts.isIdentifier(name)
      ).length;
      for (const tag of docOf(node).matchAll(/@param\s+([\w.]+)/g)) {
        const [name] = tag[1].split(".");
        if (known.includes(name) || unnamed-- > 0) continue;
        found.push(`${path} ${node.name?.getText()} @param ${name}`);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

function namesOf(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) =>
    ts.isBindingElement(element)
      ? [element.propertyName?.getText() ?? "", ...namesOf(element.name)]
      : []
  );
}

/** A function that the module exports. */
interface Kernel extends SourceFile {
  readonly name: string;
  readonly node: ts.FunctionDeclaration;
}

/** What `assembly/index.ts` exports, but for the memory. */
function findKernels(files: readonly SourceFile[]): Kernel[] {
  const index = files.find(({ path }) => path.endsWith("/index.ts"));
  const exported = index?.tree.statements.filter(ts.isExportDeclaration) ?? [];
  return exported.flatMap(({ exportClause, moduleSpecifier }) => {
    const path = moduleSpecifier?.getText().replace(
      /^"\.\/(.*)"$/,
      "wasm/assembly/$1.ts",
    );
    const file = files.find((source) => source.path === path);
    if (file === undefined || MEMORY.includes(file.path)) return [];
    if (!exportClause || !ts.isNamedExports(exportClause)) return [];
    return exportClause.elements.flatMap(({ name, propertyName }) => {
      const node = file.tree.statements.filter(ts.isFunctionDeclaration)
        .find((f) => f.name?.text === (propertyName ?? name).text);
      return node ? [{ ...file, name: name.text, node }] : [];
    });
  });
}

function isAlone(node: ts.Node, all: readonly Kernel[]): boolean {
  const path = node.getSourceFile().fileName;
  return all.filter((kernel) => kernel.path === path).length === 1;
}

function hasHead({ text }: ts.SourceFile): boolean {
  return /^\/\*\*/.test(text);
}

/** Files without a Source line. */
function sourceless({ path, text }: SourceFile): string[] {
  return /^ \* Source: \S/m.test(text) ? [] : [path];
}

function isExported(node: ts.FunctionDeclaration): boolean {
  return node.modifiers?.some(({ kind }) =>
    kind === ts.SyntaxKind.ExportKeyword
  ) ?? false;
}

function docOf(node: ts.Node): string {
  return ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc)
    .map((doc) => doc.getText()).join("\n");
}
