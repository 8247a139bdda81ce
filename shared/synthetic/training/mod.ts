/**
 * Training scenes: rendered micrographs of many kinds with known labels, for
 * what real labelled images lack.
 *
 * They are no optical models: they have what makes real images of a kind hard,
 * each fault as strong as chance makes it.
 *
 * @module
 */
import { ArgumentError } from "../../errors.ts";
import { countPixels, type Size2D } from "../../ndarray.ts";
import { createRandom } from "../random.ts";
import { expose } from "./camera.ts";
import type { Kind } from "./kind.ts";
import { adherent } from "./kinds/adherent.ts";
import { channels, colony, filaments, rods } from "./kinds/bacteria.ts";
import { blood } from "./kinds/blood.ts";
import { cytology } from "./kinds/cytology.ts";
import { histology } from "./kinds/histology.ts";
import { membranes } from "./kinds/membranes.ts";
import { neurons } from "./kinds/neurons.ts";
import { nuclei } from "./kinds/nuclei.ts";
import { tissue } from "./kinds/tissue.ts";
import { yeast } from "./kinds/yeast.ts";

const KINDS = {
  rods,
  colony,
  filaments,
  channels,
  yeast,
  adherent,
  membranes,
  blood,
  histology,
  cytology,
  nuclei,
  neurons,
  tissue,
} as const satisfies Record<string, Kind>;

/** What a training scene shows. */
export type TrainingKind = keyof typeof KINDS;

/** All kinds. */
export const TRAINING_KINDS = Object.keys(KINDS) as readonly TrainingKind[];

/** What to render. */
export interface TrainingSceneOptions extends Size2D {
  /** Default: one by chance. */
  readonly kind?: TrainingKind;
  /** Mean diameter of the cells, pixels; default: by chance in the range of
   * the kind. Cells differ from it, as real ones do. */
  readonly diameter?: number;
}

/** A rendered micrograph and its truth. */
export interface TrainingScene {
  /** H×W×C u8. */
  readonly image: Uint8Array;
  /** 1, or 3 for stains in color. */
  readonly channels: number;
  /** H×W, 0 = background; numbered by first pixel, each one piece of at least
   * 20 pixels. */
  readonly labels: Uint32Array;
  /** Number of labels; may be 0. */
  readonly count: number;
  readonly size: Size2D;
  readonly kind: TrainingKind;
  /** That was asked for or drawn, pixels. */
  readonly diameter: number;
}

/**
 * Render a training scene.
 *
 * @param seed  any integer; the same seed and options give the same bytes
 * @throws {ArgumentError} for wrong options
 */
export function renderTrainingScene(
  seed: number,
  options: TrainingSceneOptions,
): TrainingScene {
  const size = { height: options.height, width: options.width };
  countPixels(size);
  const random = createRandom(seed, 0x7121);
  const chosen = TRAINING_KINDS[random.below(TRAINING_KINDS.length)];
  const kind = options.kind ?? chosen;
  if (!TRAINING_KINDS.includes(kind)) {
    throw new ArgumentError(
      "kind",
      `is ${kind}, not one of ${TRAINING_KINDS.join(", ")}`,
    );
  }
  // small ones are more frequent: the square of an even number
  const [low, high] = KINDS[kind].diameter;
  const by = random.uniform();
  const diameter = options.diameter ?? low + (high - low) * by * by;
  if (!(diameter >= 6 && diameter <= 1000)) {
    throw new ArgumentError("diameter", `is ${diameter}, not in 6–1000`);
  }
  const { cells, planes, faults } = KINDS[kind].draw(random, size, diameter);
  const image = expose(random, planes, size, faults);
  const { labels, count } = cells;
  return {
    image,
    channels: planes.length,
    labels,
    count,
    size,
    kind,
    diameter,
  };
}
