/**
 * The list of open images, and the ways to open more.
 *
 * @module
 */
import { useEffect, useRef } from "preact/hooks";
import { closeDoc, EXAMPLES, openExample, openFiles } from "../actions/open.ts";
import { currentId, type Doc, docs, planeOf } from "../store.ts";
import { FileButton } from "./parts.tsx";

/** The panel. */
export function ImagesPanel() {
  return (
    <nav class="images" aria-label="Images">
      <div class="buttons">
        <FileButton label="Open files…" multiple onFiles={openFiles} />
        <FileButton label="Open folder…" folder onFiles={openFiles} />
      </div>
      <p class="hint">or drop or paste images anywhere</p>
      {docs.value.length > 0 && (
        <ul class="list" aria-label="Open images">
          {docs.value.map((image) => <Item key={image.id} image={image} />)}
        </ul>
      )}
      <h2>Examples</h2>
      <ul class="examples">
        {EXAMPLES.map((example) => (
          <li key={example.file}>
            <button type="button" onClick={() => openExample(example)}>
              {example.title}
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Item({ image }: { image: Doc }) {
  const isChosen = currentId.value === image.id;
  const { size, planes, channels, dtype } = image.facts;
  const cells = planeOf(image).cells.value;
  return (
    <li class={isChosen ? "chosen" : ""}>
      <button
        type="button"
        class="item"
        aria-current={isChosen}
        onClick={() => currentId.value = image.id}
      >
        <Thumbnail picture={image.thumbnail} />
        <span class="name">{image.name}</span>
        <span class="facts">
          {size.height}×{size.width}
          {channels > 1 ? `, ${channels} channels` : ""}
          {planes > 1 ? `, ${planes} planes` : ""}, {dtype}
          {cells ? `, ${cells.count} cells` : ""}
        </span>
      </button>
      <button
        type="button"
        class="close"
        aria-label={`Close ${image.name}`}
        onClick={() => closeDoc(image)}
      >
        ×
      </button>
    </li>
  );
}

function Thumbnail({ picture }: { picture: ImageBitmap }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    canvas.current?.getContext("2d")?.drawImage(picture, 0, 0);
  }, [picture]);
  return (
    <canvas
      ref={canvas}
      aria-hidden="true"
      width={picture.width}
      height={picture.height}
    />
  );
}
