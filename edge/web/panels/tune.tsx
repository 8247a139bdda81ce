/**
 * Parameters that act on the kept flows at once, and charts of them.
 *
 * @module
 */
import { signal } from "@preact/signals";
import { networkId } from "../actions/masks.ts";
import { tunePlane } from "../actions/tune.ts";
import type { SegmentParameters } from "../../../shared/schema/parameters.ts";
import {
  type Doc,
  eps,
  method,
  parameters,
  plane,
  planeOf,
  withBusy,
} from "../store.ts";
import { cellWorker } from "../workers.ts";
import { Chart, type Curve } from "./chart.tsx";
import { Check, Choice, Section, Slider } from "./parts.tsx";

/** Parameters that a chart can be drawn of, with their range. */
const SWEEPS = {
  cellprobThreshold: { title: "Cell probability", low: -4, high: 4 },
  flowThreshold: { title: "Flow error", low: 0.1, high: 1.3 },
  minSize: { title: "Smallest cell", low: 0, high: 240 },
} as const;
type Swept = keyof typeof SWEEPS;

const swept = signal<Swept>("cellprobThreshold");
const curve = signal<{ of: Swept; curves: readonly Curve[] } | undefined>(
  undefined,
);

/** The sliders. */
export function TuneSection({ image }: { image: Doc }) {
  const state = planeOf(image);
  const values = parameters.value;
  const set = (change: Partial<SegmentParameters>) => {
    parameters.value = { ...parameters.value, ...change };
    void tunePlane(image);
  };
  return (
    <Section title="Tune">
      {!state.hasFlows.value && (
        <p class="hint">
          After a preview these change the masks at once.
        </p>
      )}
      <Slider
        label="Cell probability above"
        value={values.cellprobThreshold}
        min={-6}
        max={6}
        step={0.1}
        onChange={(cellprobThreshold) => set({ cellprobThreshold })}
      />
      <Slider
        label="Flow error below"
        value={values.flowThreshold}
        min={0}
        max={2}
        step={0.05}
        onChange={(flowThreshold) => set({ flowThreshold })}
      />
      <Slider
        label="Smallest cell, px"
        value={values.minSize}
        min={0}
        max={500}
        step={1}
        onChange={(minSize) => set({ minSize: Math.round(minSize) })}
      />
      <Slider
        label="Steps (0: by diameter)"
        value={values.niter ?? 0}
        min={0}
        max={1000}
        step={10}
        onChange={(niter) =>
          set({ niter: niter === 0 ? null : Math.round(niter) })}
      />
      <Slider
        label="Diameter, px (0: automatic)"
        value={values.diameter ?? 0}
        min={0}
        max={200}
        step={1}
        onChange={(diameter) =>
          set({ diameter: diameter === 0 ? null : diameter })}
      />
      <Choice
        label="Cluster by"
        value={method.value}
        choices={[["peaks", "peaks of end points"], ["dbscan", "DBSCAN"]]}
        onChange={(value) => {
          method.value = value;
          void tunePlane(image);
        }}
      />
      {method.value === "dbscan" && (
        <Slider
          label="Neighbors within, px (eps)"
          value={eps.value}
          min={0.5}
          max={6}
          step={0.1}
          onChange={(value) => {
            eps.value = value;
            void tunePlane(image);
          }}
        />
      )}
      <Check
        label="Drop cells at the edges"
        value={values.excludeOnEdges}
        onChange={(excludeOnEdges) => set({ excludeOnEdges })}
      />
      {state.hasFlows.value && (
        <>
          <div class="buttons">
            <Choice
              label="Chart of"
              value={swept.value}
              choices={Object.entries(SWEEPS).map(([name, { title }]) =>
                [name as Swept, title] as const
              )}
              onChange={(value) => swept.value = value}
            />
            <button type="button" onClick={() => draw(image)}>Draw</button>
          </div>
          {curve.value && (
            <Chart
              title={`Cells${
                plane.value?.truth.value ? " and AP50" : ""
              } against ${SWEEPS[curve.value.of].title.toLowerCase()}`}
              curves={curve.value.curves}
              mark={values[curve.value.of]}
            />
          )}
        </>
      )}
    </Section>
  );
}

/** Count, and AP where there is truth, at nine values of a parameter. */
async function draw(image: Doc) {
  const of = swept.value;
  const { low, high } = SWEEPS[of];
  const { truth } = planeOf(image);
  const counts: [number, number][] = [];
  const ap: [number, number][] = [];
  await withBusy("Drawing the chart", async () => {
    for (let k = 0; k <= 8; k++) {
      const value = low + (high - low) * k / 8;
      const { packed, count } = await cellWorker.call("tune", {
        id: networkId(image),
        parameters: {
          ...parameters.value,
          [of]: of === "minSize" ? Math.round(value) : value,
        },
        method: method.value,
        eps: eps.value,
        confidence: false,
      });
      counts.push([value, count]);
      if (truth.value) {
        const { precision } = await cellWorker.call("score", {
          truth: truth.value.pack(),
          packed,
          size: image.facts.size,
        });
        ap.push([value, precision[0].ap]);
      }
      curve.value = {
        of,
        curves: [
          { name: "cells", points: [...counts] },
          ...(truth.value ? [{ name: "AP50", points: [...ap], most: 1 }] : []),
        ],
      };
    }
  });
}
