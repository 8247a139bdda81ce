/**
 * Items in memory, up to a bound: each file is read when it is first wanted.
 *
 * @module
 */
import type { Core } from "../../wasm/mod.ts";
import type { ItemFile } from "./find_items.ts";
import {
  isLeftOut,
  itemBytes,
  type ItemFacts,
  type LeftOut,
  readItem,
  type ReadOptions,
  type TrainItem,
} from "./read_item.ts";

/** Items by their files. */
export interface ItemStore {
  /** Read all; keep what the bound allows. */
  survey(
    files: readonly ItemFile[],
    options: ReadOptions,
  ): Promise<{ facts: ItemFacts[]; leftOut: LeftOut[] }>;
  /** @throws {Error} if the file was usable and no longer is */
  read(file: ItemFile, options: ReadOptions): Promise<TrainItem>;
  /** An item made otherwise, kept by the same bound. */
  keep(key: string, make: () => TrainItem): TrainItem;
}

/** Open a store that holds up to `memoryBytes` of decoded items. */
export function openStore(core: Core, memoryBytes: number): ItemStore {
  // in the order of their last use
  const kept = new Map<string, TrainItem>();
  let bytes = 0;

  const put = (key: string, item: TrainItem) => {
    kept.set(key, item);
    bytes += itemBytes(item);
    for (const [old, value] of kept) {
      if (bytes <= memoryBytes || old === key) break;
      kept.delete(old);
      bytes -= itemBytes(value);
    }
    return item;
  };
  const recall = (key: string) => {
    const item = kept.get(key);
    if (item === undefined) return undefined;
    kept.delete(key);
    kept.set(key, item);
    return item;
  };

  return {
    async survey(files, options) {
      const facts: ItemFacts[] = [];
      const leftOut: LeftOut[] = [];
      for (const file of files) {
        const item = await readItem(core, file, options);
        if (isLeftOut(item)) {
          leftOut.push(item);
          continue;
        }
        put(file.name, item);
        const { size, channels, diameter } = item;
        const { name, kind } = file;
        const cells = item.labels === undefined
          ? options.fields?.[name]?.cells ?? 0
          : core.estimateDiameter(item.labels, size).labels.length;
        facts.push({ name, kind, size, channels, cells, diameter });
      }
      return { facts, leftOut };
    },
    async read(file, options) {
      const before = recall(file.name);
      if (before !== undefined) return before;
      const item = await readItem(core, file, options);
      if (isLeftOut(item)) {
        throw new Error(
          `${item.name} was usable when the training began: ${item.detail}`,
        );
      }
      return put(file.name, item);
    },
    keep: (key, make) => recall(key) ?? put(key, make()),
  };
}
