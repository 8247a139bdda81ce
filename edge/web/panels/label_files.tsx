/**
 * Label files in and out, and what the browser keeps of an image.
 *
 * @module
 */
import { forgetMasks } from "../actions/kept.ts";
import { setCells } from "../actions/open.ts";
import { saveFile } from "../actions/save_file.ts";
import { KEPT_DAYS } from "../edit/save.ts";
import { type Doc, planeOf, tell, withBusy } from "../store.ts";
import type { LabelFormat } from "../work/cells.ts";
import { cellWorker } from "../workers.ts";
import { FileButton, Section } from "./parts.tsx";

const FORMATS: readonly (readonly [LabelFormat, string, string])[] = [
  ["seg", "_seg.npy", "_seg.npy"],
  ["tif", "Label TIFF", "_masks.tif"],
  ["roi", "ROI zip", "_rois.zip"],
  ["geojson", "GeoJSON", ".geojson"],
];

/** What is kept here, and how it is forgotten. */
export function KeptSection({ image }: { image: Doc }) {
  return (
    <Section title="Kept in this browser">
      <p class="hint">
        Masks and edits are kept for {KEPT_DAYS}{" "}
        days after their last change, on this computer only.
      </p>
      <div class="buttons">
        <button type="button" onClick={() => forgetMasks(image)}>
          Forget this image's
        </button>
        <button type="button" onClick={() => forgetMasks()}>
          Forget all
        </button>
      </div>
    </Section>
  );
}

/** Labels as files. */
export function FilesSection({ image }: { image: Doc }) {
  const write = (format: LabelFormat, ending: string) =>
    withBusy("Writing the labels", async () => {
      const cells = planeOf(image).cells.value;
      if (cells === undefined) throw new Error("There are no cells yet");
      const bytes = await cellWorker.call("writeLabels", {
        packed: cells.masks.pack(),
        size: image.facts.size,
        format,
        name: image.name,
      });
      saveFile(image.name.replace(/\.[^.]*$/, "") + ending, bytes);
      tell("note", `${cells.count} cells are written`);
    });
  return (
    <Section title="Label files">
      <FileButton
        label="Open labels…"
        onFiles={([file]) =>
          withBusy("Reading the labels", async () => {
            await setCells(image, new Uint8Array(await file.arrayBuffer()));
          })}
      />
      <div class="buttons">
        {FORMATS.map(([format, title, ending]) => (
          <button
            key={format}
            type="button"
            onClick={() => write(format, ending)}
          >
            {title}
          </button>
        ))}
      </div>
    </Section>
  );
}
