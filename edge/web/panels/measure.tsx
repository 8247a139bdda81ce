/**
 * The table of cells and a histogram; CSV of one image or of all.
 *
 * @module
 */
import { computed, signal } from "@preact/signals";
import { runBatch, writeCsv } from "../actions/measure.ts";
import { type Doc, doc, plane, planeOf, selected } from "../store.ts";
import type { Measured } from "../work/measure.ts";
import { Choice, Section } from "./parts.tsx";
import { theViewer } from "./viewer_pane.tsx";

/** Rows shown at a time. */
const PAGE = 100;
const BINS = 16;

/** A column of the table. */
interface Column {
  readonly name: string;
  readonly title: string;
  readonly digits: number;
  readonly value: (cells: Measured, row: number) => number;
}

const COLUMNS: readonly Column[] = [
  { name: "label", title: "Cell", digits: 0, value: (c, r) => c.label[r] },
  { name: "area", title: "Area, px", digits: 0, value: (c, r) => c.area[r] },
  {
    name: "diameter",
    title: "Diameter, px",
    digits: 1,
    value: (c, r) => c.diameter[r],
  },
  {
    name: "solidity",
    title: "Solidity",
    digits: 2,
    value: (c, r) => c.shape?.solidity[r] ?? NaN,
  },
  {
    name: "intensity",
    title: "Mean",
    digits: 1,
    value: (c, r) => c.intensity?.[0].mean[r] ?? NaN,
  },
];

const sortedBy = signal<{ name: string; isUp: boolean }>({
  name: "label",
  isUp: true,
});
const first = signal(0);
const histogramOf = signal("area");

const rows = computed(() => {
  const cells = plane.value?.measured.value;
  if (!cells) return [];
  const { name, isUp } = sortedBy.value;
  const { value } = columnOf(name);
  const order = Array.from({ length: cells.count }, (_, r) => r);
  const side = isUp ? 1 : -1;
  return order.sort((a, b) =>
    side * (value(cells, a) - value(cells, b)) || a - b
  );
});

/** The panel. */
export function MeasurePanel() {
  const image = doc.value;
  if (image === undefined) return <p>Open an image first.</p>;
  const cells = planeOf(image).measured.value;
  return (
    <>
      <Section title="Cells">
        {!cells || cells.count === 0
          ? <p class="hint">There are no cells yet.</p>
          : <Table image={image} cells={cells} />}
      </Section>
      {cells && cells.count > 0 && (
        <Section title="Histogram">
          <Choice
            label="Of"
            value={histogramOf.value}
            choices={COLUMNS.slice(1).map(({ name, title }) =>
              [name, title] as const
            )}
            onChange={(value) => histogramOf.value = value}
          />
          <Histogram cells={cells} />
        </Section>
      )}
      <Section title="Export">
        <div class="buttons">
          <button type="button" onClick={() => writeCsv(image)}>CSV</button>
          <button type="button" onClick={() => runBatch()}>
            CSV of all open images
          </button>
        </div>
      </Section>
    </>
  );
}

function Table({ image, cells }: { image: Doc; cells: Measured }) {
  const { name: by, isUp } = sortedBy.value;
  const shown = rows.value.slice(first.value, first.value + PAGE);
  return (
    <>
      <div class="table" tabIndex={0} role="region" aria-label="Table of cells">
        <table>
          <thead>
            <tr>
              {COLUMNS.map(({ name, title }) => (
                <th
                  key={name}
                  scope="col"
                  aria-sort={by !== name
                    ? "none"
                    : isUp
                    ? "ascending"
                    : "descending"}
                >
                  <button
                    type="button"
                    onClick={() => {
                      first.value = 0;
                      sortedBy.value = { name, isUp: by !== name || !isUp };
                    }}
                  >
                    {title}
                    {by === name ? (isUp ? " ↑" : " ↓") : ""}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => {
              const label = cells.label[row];
              const isChosen = selected.value.includes(label);
              return (
                <tr key={label} class={isChosen ? "chosen" : ""}>
                  {COLUMNS.map(({ name, value, digits }) => {
                    const each = value(cells, row);
                    const text = Number.isNaN(each) ? "" : each.toFixed(digits);
                    return (
                      <td key={name}>
                        {name === "label"
                          ? (
                            <button
                              type="button"
                              aria-pressed={isChosen}
                              aria-label={`Show cell ${label}`}
                              onClick={() => goTo(image, cells, row)}
                            >
                              {text}
                            </button>
                          )
                          : text}
                      </td>
                    );
                  })}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {cells.count > PAGE && (
        <div class="buttons">
          <button
            type="button"
            disabled={first.value === 0}
            onClick={() => first.value = Math.max(0, first.value - PAGE)}
          >
            Previous
          </button>
          <span>
            {first.value + 1}–{Math.min(cells.count, first.value + PAGE)} of
            {" "}
            {cells.count}
          </span>
          <button
            type="button"
            disabled={first.value + PAGE >= cells.count}
            onClick={() => first.value += PAGE}
          >
            Next
          </button>
        </div>
      )}
    </>
  );
}

function goTo(_: Doc, cells: Measured, row: number): void {
  selected.value = [cells.label[row]];
  const viewer = theViewer();
  if (!viewer) return;
  const [y, x] = [cells.centroid[2 * row], cells.centroid[2 * row + 1]];
  viewer.setView({
    x: x + 0.5,
    y: y + 0.5,
    zoom: Math.max(viewer.view.zoom, 120 / (cells.diameter[row] * 2)),
  });
}

function Histogram({ cells }: { cells: Measured }) {
  const { value, title } = columnOf(histogramOf.value);
  const values = Array.from({ length: cells.count }, (_, r) => value(cells, r))
    .filter(Number.isFinite);
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const bins = new Array<number>(BINS).fill(0);
  for (const each of values) {
    const bin = high > low ? (each - low) / (high - low) * BINS : 0;
    bins[Math.min(BINS - 1, Math.floor(bin))]++;
  }
  const top = Math.max(1, ...bins);
  const text = `${title} of ${values.length} cells, from ${low.toFixed(1)} to ${
    high.toFixed(1)
  }`;
  return (
    <figure class="chart">
      <svg viewBox="0 0 160 60" role="img" aria-label={text}>
        {bins.map((count, k) => (
          <rect
            key={k}
            x={k * 10 + 0.5}
            width={9}
            y={60 - 58 * count / top}
            height={58 * count / top}
          />
        ))}
      </svg>
      <figcaption>{text}</figcaption>
    </figure>
  );
}

function columnOf(name: string): Column {
  return COLUMNS.find((each) => each.name === name) ?? COLUMNS[0];
}
