/**
 * Read a conformance case: `case.json` and the arrays beside it.
 *
 * Every array that `case.json` declares must be there in the declared shape;
 * further arrays are read if they can be, and complain only when asked for.
 *
 * @module
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  decodeNpy,
  type Npy,
  toFloats,
  toLabels,
} from "../../shared/image/npy.ts";
import { ArgumentError } from "../../shared/errors.ts";
import type { Size } from "../../shared/ndarray.ts";

/** A bare NaN in a list or after a colon. */
const NAN = /([[,:]\s*)NaN(?=\s*[\],}])/g;

/** Something about the case's files makes a comparison impossible. */
export class CaseError extends Error {
  override readonly name = "CaseError";
}

/** A case as it lies on the disk. */
export interface Case {
  /** `kind/name`. */
  readonly id: string;
  readonly name: string;
  /** What `case.json` holds. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly arrays: ReadonlyMap<string, Npy | Error>;
}

/**
 * Read a case.
 *
 * @throws {CaseError} if `case.json` is missing or broken, or a declared array
 *   is missing, corrupt or of another shape
 */
export async function readCase(
  folder: string,
  { kind, name }: { kind: string; name: string },
): Promise<Case> {
  const facts = await readFacts(join(folder, "case.json"));
  const arrays = await readArrays(folder);
  for (const [key, fact] of Object.entries(facts)) {
    const shape = declaredShape(fact);
    if (shape === null) continue;
    const array = arrays.get(key);
    if (array === undefined) throw new CaseError(`${key}.npy is missing`);
    if (array instanceof Error) throw array;
    if (`${array.shape}` !== `${shape}`) {
      throw new CaseError(
        `${key}.npy is ${spell(array.shape)}, case.json says ${spell(shape)}`,
      );
    }
  }
  return { id: `${kind}/${name}`, name, facts, arrays };
}

/** Read every array of a folder; one that cannot be read is its error. */
export async function readArrays(folder: string): Promise<Case["arrays"]> {
  const arrays = new Map<string, Npy | Error>();
  for (const file of (await readdir(folder)).sort()) {
    if (!file.endsWith(".npy")) continue;
    arrays.set(file.slice(0, -4), await readArray(join(folder, file), file));
  }
  return arrays;
}

async function readFacts(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (err) {
    throw new CaseError("case.json is missing", { cause: err });
  }
  try {
    // Python writes NaN as it is, which JSON does not know
    const facts: unknown = JSON.parse(text.replaceAll(NAN, "$1null"));
    if (typeof facts === "object" && facts !== null && !Array.isArray(facts)) {
      return facts as Record<string, unknown>;
    }
  } catch (err) {
    throw new CaseError("case.json is not JSON", { cause: err });
  }
  throw new CaseError("case.json is not an object");
}

async function readArray(
  path: string,
  file: string,
): Promise<Npy | CaseError> {
  try {
    return decodeNpy(new Uint8Array(await readFile(path)));
  } catch (err) {
    const reason = err instanceof Error ? err.message : String(err);
    return new CaseError(`${file} cannot be read: ${reason}`, { cause: err });
  }
}

function declaredShape(fact: unknown): number[] | null {
  if (typeof fact !== "object" || fact === null) return null;
  const { shape } = fact as { shape?: unknown };
  return Array.isArray(shape) ? shape as number[] : null;
}

/** True where the case has all these arrays (readable or not). */
export function hasArrays(from: Case, ...names: string[]): boolean {
  return names.every((name) => from.arrays.has(name));
}

/**
 * An array of the case.
 *
 * @param ranks  numbers of axes it may have; any if none is named
 * @throws {CaseError} if it is missing, unreadable or of another rank
 */
export function getArray(from: Case, name: string, ...ranks: number[]): Npy {
  const array = from.arrays.get(name);
  if (array === undefined) throw new CaseError(`${name}.npy is missing`);
  if (array instanceof Error) throw array;
  if (ranks.length > 0 && !ranks.includes(array.shape.length)) {
    throw new CaseError(
      `${name}.npy is ${spell(array.shape)}, needs ${ranks.join(" or ")} axes`,
    );
  }
  return array;
}

/** An array as f32, of any numeric dtype. */
export function getFloats(from: Case, name: string): Float32Array {
  return toFloats(getArray(from, name));
}

/**
 * A label image as u32, of any numeric dtype.
 *
 * @throws {CaseError} if a label is negative, fractional or beyond 32 bits
 */
export function getLabels(from: Case, name: string): Uint32Array {
  try {
    return toLabels(getArray(from, name));
  } catch (err) {
    if (!(err instanceof ArgumentError)) throw err;
    throw new CaseError(`${name}.npy: ${err.message}`, { cause: err });
  }
}

/** A number of `case.json`, or the default where it has none. */
export function getNumber(from: Case, name: string, byDefault: number): number {
  const fact = from.facts[name] ?? byDefault;
  if (typeof fact === "number" && Number.isFinite(fact)) return fact;
  throw new CaseError(`case.json: ${name} must be a number`);
}

/** A list of numbers of `case.json`; nested lists are flattened, null is NaN. */
export function getNumbers(from: Case, name: string): number[] {
  const fact = from.facts[name];
  const flat = (Array.isArray(fact) ? fact.flat(Infinity) : [fact])
    .map((value) => value === null ? NaN : value);
  if (flat.every((value) => typeof value === "number")) return flat;
  throw new CaseError(`case.json: ${name} must hold numbers`);
}

/** Size of an image H×W or a volume D×H×W. */
export function sizeOf(shape: readonly number[]): Size {
  const [height, width] = shape.slice(-2);
  return shape.length === 2
    ? { height, width }
    : { depth: shape[0], height, width };
}

/** A shape in words: 2×224×256. */
export function spell(shape: readonly number[]): string {
  return shape.length === 0 ? "a scalar" : shape.join("×");
}
