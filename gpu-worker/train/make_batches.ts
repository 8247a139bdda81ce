/**
 * Batches of crops, from files or scenes.
 *
 * Batch k of a seed is always the same: every crop has a stream of random
 * numbers of its own, named by seed, batch and place.
 *
 * @module
 */
import { createRandom } from "../../shared/synthetic/mod.ts";
import type { Core } from "../../wasm/mod.ts";
import { chooseItems, type KindWeights } from "./choose_items.ts";
import { type CropOptions, drawLook, drawWindow } from "./draw_crop.ts";
import type { ItemFile } from "./find_items.ts";
import type { ItemStore } from "./open_items.ts";
import type {
  ItemFacts,
  LeftOut,
  ReadOptions,
  TrainItem,
} from "./read_item.ts";
import type { TrainBatch } from "./trainer_port.ts";

/** All that batches depend on: plain data, so that a worker can be sent it. */
export interface BatchSpec extends CropOptions, ReadOptions {
  readonly seed: number;
  /** Crops of a batch. */
  readonly batch: number;
  readonly files: readonly ItemFile[];
  readonly weights: KindWeights;
  /** Bytes of decoded items that are kept. */
  readonly memoryBytes: number;
  /** Scenes that are rendered when they are drawn. */
  readonly scenes?: SceneOptions;
}

/** A source of rendered scenes. */
export interface SceneOptions {
  /**
   * Module that exports `renderItem(core, seed)`, an item of one scene; URL.
   */
  readonly module: string;
  /** Share of the crops. */
  readonly share: number;
  /** Different scenes; they come again. */
  readonly count: number;
}

/** What a module of scenes exports. */
export type RenderItem = (core: Core, seed: number) => TrainItem;

/** What was found in the files. */
export interface Survey {
  readonly facts: readonly ItemFacts[];
  readonly leftOut: readonly LeftOut[];
}

/** Makes batches. */
export interface BatchMaker {
  make(index: number): Promise<TrainBatch>;
}

/** Streams of random numbers that must not meet. */
const CROP_STREAM = 3;
const SCENE_STREAM = 4;

/**
 * Make batches of the files that a survey found usable.
 *
 * @param spec   its files are those to learn from
 * @param items  where their pixels are
 */
export async function openBatchMaker(
  core: Core,
  spec: BatchSpec,
  items: ItemStore,
): Promise<BatchMaker> {
  const choose = spec.files.length === 0
    ? undefined
    : chooseItems(spec.files.map(({ kind }) => kind), spec);
  const { scenes, batch, cropSize, channels } = spec;
  const render = scenes === undefined
    ? undefined
    : (await import(scenes.module) as { renderItem: RenderItem }).renderItem;
  const pixels = cropSize * cropSize;

  const draw = (crop: number) => {
    if (scenes !== undefined && render !== undefined) {
      const random = createRandom(spec.seed, SCENE_STREAM, crop);
      if (choose === undefined || random.uniform() < scenes.share) {
        const scene = random.below(scenes.count);
        return items.keep(`scene ${scene}`, () => render(core, scene));
      }
    }
    return items.read(spec.files[choose!(crop)], spec);
  };

  return {
    async make(index) {
      const images = new Float32Array(batch * channels * pixels);
      const targets = new Float32Array(batch * 3 * pixels);
      for (let place = 0; place < batch; place++) {
        const item = await draw(index * batch + place);
        const random = createRandom(spec.seed, CROP_STREAM, index, place);
        const window = drawWindow(random, item, spec);
        const look = drawLook(random, item, spec);
        const { image, size, channels: given } = item;
        images.set(
          core.cropImage(image, { ...size, channels: given }, { window, look }),
          place * channels * pixels,
        );
        targets.set(targetsOf(core, item, window), place * 3 * pixels);
      }
      const edges = { height: cropSize, width: cropSize };
      return { images, targets, count: batch, channels, ...edges };
    },
  };
}

/** 3×h×w: foreground, dY, dX; a teacher's where there is one. */
function targetsOf(
  core: Core,
  { labels, field, size }: TrainItem,
  window: ReturnType<typeof drawWindow>,
): Float32Array {
  if (field !== undefined) return core.cropField(field, size, window);
  const pixels = window.size.height * window.size.width;
  const out = new Float32Array(3 * pixels);
  if (labels === undefined) return out;
  const crop = core.cropLabels(labels, size, window);
  out.set(crop.foreground);
  out.set(core.labelsToFlows(crop.labels, window.size), pixels);
  return out;
}
