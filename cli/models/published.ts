/**
 * Checkpoints that others publish, by name. None is part of this project.
 *
 * Source: Cellpose 4.2.1.1 (names and address; its README says that all models
 *   are trained on CC-BY-NC data); DINOv3, which two of them build on, has a
 *   licence of its own.
 *
 * @module
 */

/** A checkpoint that can be fetched. */
export interface PublishedModel {
  readonly name: string;
  readonly family: string;
  /** About, for a look at the disk beforehand; null where not known. */
  readonly gib: number | null;
  /** Kept with the imported model and every result. */
  readonly licence: string;
}

/** Where the checkpoints lie, as `BASE/NAME`. */
export const PUBLISHED_AT =
  "https://huggingface.co/mouseland/cellpose-sam/resolve/main";

const NONCOMMERCIAL = "CC-BY-NC";
const DINO = `${NONCOMMERCIAL}; DINOv3 License`;

/** All of them, the usual one first. */
export const PUBLISHED_MODELS: readonly PublishedModel[] = [
  {
    name: "cpsam_v2",
    family: "Cellpose-SAM",
    gib: 1.13,
    licence: NONCOMMERCIAL,
  },
  { name: "cpsam", family: "Cellpose-SAM", gib: 1.13, licence: NONCOMMERCIAL },
  { name: "cpdino", family: "Cellpose-DINO", gib: 1.13, licence: DINO },
  { name: "cpdino-vitb", family: "Cellpose-DINO", gib: null, licence: DINO },
];
