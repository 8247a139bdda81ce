/**
 * Tell a checkpoint's family by its keys and shapes.
 *
 * @module
 */
import { UnsupportedFormatError } from "../../shared/errors.ts";
import { spellShape } from "../../shared/graph/mod.ts";
import { cellposeDino } from "./families/cellpose_dino.ts";
import { cellposeSam } from "./families/cellpose_sam.ts";
import { cellposeUnet } from "./families/cellpose_unet.ts";
import type { Family } from "./families/family.ts";
import { sam } from "./families/sam.ts";
import { unet } from "./families/unet.ts";
import type { Weights } from "./weights.ts";

/** Families, the more particular first. */
export const FAMILIES: readonly Family[] = [
  cellposeDino,
  cellposeSam,
  cellposeUnet,
  sam,
  unet,
];

/** Groups of keys that an error lists. */
const MAX_GROUPS = 12;

/**
 * Find the family of a checkpoint.
 *
 * @throws {UnsupportedFormatError} with what was seen and what marks each
 *   family
 */
export function recognize(weights: Weights): Family {
  const family = FAMILIES.find((candidate) => candidate.recognizes(weights));
  if (family !== undefined) return family;
  throw new UnsupportedFormatError(
    weights.names.length === 0
      ? "A checkpoint without tensors"
      : `A checkpoint of ${weights.names.length} tensors (${
        summarize(weights).join(", ")
      })`,
    FAMILIES.map(({ name, marks }) => `${name} (with ${marks.join(", ")})`),
  );
}

/** Keys grouped by their first two parts, with the shape of those alone. */
function summarize({ names, peek }: Weights): string[] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const group = name.split(".").slice(0, 2).join(".");
    groups.set(group, [...groups.get(group) ?? [], name]);
  }
  const lines = [...groups].map(([group, members]) =>
    members.length === 1
      ? `${members[0]} ${spellShape(peek(members[0]) ?? [])}`
      : `${group}.* (${members.length})`
  );
  return lines.length <= MAX_GROUPS
    ? lines
    : [...lines.slice(0, MAX_GROUPS), `${lines.length - MAX_GROUPS} more`];
}
