/**
 * The page: images at the left, the viewer in the middle, panels at the right.
 *
 * @module
 */
import { batch, signal } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { redoEdit, undoEdit } from "./actions/edit.ts";
import { openLink, readLink, writeLink } from "./actions/link.ts";
import { openFiles } from "./actions/open.ts";
import { deleteLabels } from "./actions/tools.ts";
import { BenchPanel } from "./panels/bench.tsx";
import { CorrectPanel, step, TOOLS } from "./panels/correct.tsx";
import { droppedFiles } from "./panels/dropped.ts";
import { ImagesPanel } from "./panels/images.tsx";
import { watchMeasures } from "./actions/measure.ts";
import { MeasurePanel } from "./panels/measure.tsx";
import { SeePanel, watchScores } from "./panels/see.tsx";
import { SegmentPanel } from "./panels/segment.tsx";
import { TrainPanel } from "./panels/train.tsx";
import { theViewer, ViewerPane } from "./panels/viewer_pane.tsx";
import { listModels, useKey } from "./service/api.ts";
import {
  busy,
  doc,
  message,
  models,
  prompted,
  selected,
  tell,
  tool,
} from "./store.ts";

const PANELS = [
  { name: "segment", title: "Segment", Panel: SegmentPanel },
  { name: "see", title: "See", Panel: SeePanel },
  { name: "correct", title: "Correct", Panel: CorrectPanel },
  { name: "measure", title: "Measure", Panel: MeasurePanel },
  { name: "train", title: "Train", Panel: TrainPanel },
  { name: "bench", title: "Bench", Panel: BenchPanel },
] as const;

const shown = signal<typeof PANELS[number]["name"] | "images">("segment");
const needsKey = signal(false);

function Page() {
  useEffect(() => {
    const stops = [
      watchScores(),
      watchMeasures(() => shown.value === "measure"),
    ];
    void loadModels();
    return () => stops.forEach((stop) => stop());
  }, []);
  const { kind, text } = message.value;
  return (
    <>
      <header>
        <h1>cytoedge</h1>
        <a href="/docs">API</a>
      </header>
      <main>
        <ImagesPanel />
        <ViewerPane />
        <aside aria-label="Panels">
          <Tabs />
          {PANELS.map(({ name, title, Panel }) => (
            <div
              key={name}
              id={`panel-${name}`}
              role="tabpanel"
              tabIndex={0}
              aria-label={title}
              class="panel"
              hidden={shown.value !== name}
            >
              {shown.value === name && <Panel />}
            </div>
          ))}
        </aside>
      </main>
      <footer>
        {needsKey.value && <KeyField />}
        <p class={kind} role="status" data-testid="message">
          {busy.value ? `${busy.value}…` : text}
        </p>
      </footer>
    </>
  );
}

function Tabs() {
  const move = (event: KeyboardEvent) => {
    const at = PANELS.findIndex(({ name }) => name === shown.value);
    const by = event.key === "ArrowRight"
      ? 1
      : event.key === "ArrowLeft"
      ? -1
      : 0;
    if (by === 0) return;
    const next = PANELS[(at + by + PANELS.length) % PANELS.length].name;
    shown.value = next;
    document.getElementById(`tab-${next}`)?.focus();
    event.preventDefault();
  };
  return (
    <div role="tablist" aria-label="Panels" onKeyDown={move}>
      {PANELS.map(({ name, title }) => (
        <button
          key={name}
          id={`tab-${name}`}
          type="button"
          role="tab"
          aria-selected={shown.value === name}
          aria-controls={`panel-${name}`}
          tabIndex={shown.value === name ? 0 : -1}
          onClick={() => shown.value = name}
        >
          {title}
        </button>
      ))}
    </div>
  );
}

function KeyField() {
  return (
    <form
      class="key"
      onSubmit={(event) => {
        event.preventDefault();
        const field = event.currentTarget.elements.namedItem("key");
        useKey((field as HTMLInputElement).value);
        void loadModels();
      }}
    >
      <label>
        Key <input name="key" type="password" autocomplete="off" />
      </label>
      <button type="submit">Use</button>
    </form>
  );
}

async function loadModels(): Promise<void> {
  try {
    const found = await listModels();
    batch(() => {
      models.value = found.models;
      prompted.value = found.prompted;
      needsKey.value = false;
    });
    await followLink();
  } catch (err) {
    // away from loopback there is no session
    const text = err instanceof Error ? err.message : String(err);
    needsKey.value = /key/i.test(text);
    tell("note", text);
  }
}

/** Open the result that the page's own URL names, once. */
async function followLink(): Promise<void> {
  const link = readLink(location.hash);
  if (link === undefined) return;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    await openLink(link);
  } catch {
    // it is there again once a key is given
    location.hash = new URL(writeLink(link, location.href)).hash;
    needsKey.value = true;
  }
}

/** Keys that act wherever the focus is, but not where one types. */
function onKey(event: KeyboardEvent): void {
  const at = event.target;
  const isTyping = at instanceof HTMLInputElement && at.type !== "range" &&
      at.type !== "checkbox" || at instanceof HTMLSelectElement;
  const image = doc.value;
  if (isTyping || image === undefined) return;
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") step(image, event.shiftKey ? redoEdit : undoEdit);
    else if (key === "y") step(image, redoEdit);
    else return;
    event.preventDefault();
    return;
  }
  if (event.altKey) return;
  if (key === "delete" || key === "backspace") {
    deleteLabels(image, selected.value);
    return;
  }
  const found = TOOLS.find((each) => each.key === key);
  if (found?.tool === "box" && prompted.value === undefined) return;
  if (found) tool.value = found.tool;
}

document.addEventListener("keydown", onKey);
globalThis.addEventListener("hashchange", () => {
  if (!needsKey.value) void followLink();
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer) {
    void droppedFiles(event.dataTransfer).then(openFiles);
  }
});
document.addEventListener("paste", (event) => {
  const files = [...event.clipboardData?.files ?? []];
  if (files.length > 0) void openFiles(files);
});

render(<Page />, document.getElementById("page") as HTMLElement);

// for tests, and for those who look into the page with its own tools
Object.assign(globalThis, { cytoedge: { doc, theViewer } });
