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
const kernels = readSources("wasm/assembly");

test("every public function of the host API has a doc", () => {
  expect(host.flatMap(undocumented)).toEqual([]);
});

test("every kernel has a doc", () => {
  expect(kernels.flatMap(undocumented)).toEqual([]);
});

test("every parameter named in a doc exists", () => {
  expect([...host, ...kernels].flatMap(unknownParameters)).toEqual([]);
});

test("every kernel names its source", () => {
  expect(kernels.flatMap(sourceless)).toEqual([]);
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
    if (ts.isMethodDeclaration(property) || ts.isPropertyAssignment(property)) {
      return [[name, property] as [string, Documented]];
    }
    if (!ts.isShorthandPropertyAssignment(property)) return [];
    const local = [...body, ...node.getSourceFile().statements]
      .filter(ts.isFunctionDeclaration)
      .find((inner) => inner.name?.text === name);
    return local ? [[name, local] as [string, Documented]] : [];
  });
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
    ts.isBindingElement(element) ? namesOf(element.name) : []
  );
}

/** Files with exported kernels of which no doc has a Source line. */
function sourceless({ path, text, tree }: SourceFile): string[] {
  const exported = tree.statements.filter(ts.isFunctionDeclaration)
    .filter(isExported);
  if (MEMORY.includes(path) || exported.length === 0) return [];
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
