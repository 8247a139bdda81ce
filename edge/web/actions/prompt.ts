/**
 * Adding the cell that a click or a box means, by the service's prompted model.
 *
 * @module
 */
import { toRuns } from "../edit/log.ts";
import * as api from "../service/api.ts";
import { type Doc, tell, withBusy } from "../store.ts";
import { commit, editable, freshLabel } from "./edit.ts";
import { uploadOf } from "./upload.ts";

/** Ask for the cell and add it, where no other is. */
export async function addPrompted(
  image: Doc,
  places: Pick<api.WirePrompt, "points" | "box">,
): Promise<void> {
  const plane = image.plane.value;
  await withBusy("Asking the prompted model", async () => {
    const { runs, area, score, model } = await api.prompt({
      upload: await uploadOf(image),
      plane,
      ...places,
    });
    // another plane may have been chosen meanwhile
    if (image.plane.value !== plane) return;
    if (area === 0) {
      tell(
        "note",
        "The model sees no cell there; click elsewhere or drag a box",
      );
      return;
    }
    const cells = editable(image);
    const label = freshLabel(cells);
    const free = function* () {
      for (let r = 0; r < runs.length; r += 2) {
        for (let i = runs[r]; i < runs[r] + runs[r + 1]; i++) {
          if (cells.masks.at(i) === 0) yield i;
        }
      }
    };
    const isNew = commit(image, "add", {
      runs: toRuns(cells.masks, free(), () => label),
    });
    tell(
      "note",
      isNew
        ? `Cell ${label} of ${area} pixels, expected IoU ${
          score.toFixed(2)
        }, by ${model.name}`
        : "All of that belongs to other cells; delete them first",
    );
  });
}
