/**
 * Preview, full resolution, and parameters that act at once.
 *
 * @module
 */
import { signal } from "@preact/signals";
import { cancelJob, quoteJob, runJob } from "../actions/jobs.ts";
import { copyLink } from "../actions/link.ts";
import { networkId } from "../actions/masks.ts";
import { previewPlane } from "../actions/preview.ts";
import { tunePlane } from "../actions/tune.ts";
import type { SegmentParameters } from "../../../shared/schema/parameters.ts";
import {
  type Doc,
  doc,
  docs,
  eps,
  jobModel,
  method,
  models,
  parameters,
  plane,
  planeOf,
  runsIn,
  runsOn,
  tell,
  usesGpu,
  withBusy,
} from "../store.ts";
import { cellWorker } from "../workers.ts";
import { Chart, type Curve } from "./chart.tsx";
import { type CodeKind, writeCode } from "./code.ts";
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

/** The panel. */
export function SegmentPanel() {
  const image = doc.value;
  if (image === undefined) return <p>Open an image first.</p>;
  return (
    <>
      <Section title="Preview">
        <Choice
          label="Runs"
          value={runsIn.value}
          choices={[["edge", "at the service"], ["browser", "in this browser"]]}
          onChange={(value) => runsIn.value = value}
        />
        {runsIn.value === "browser" && <GpuSwitch />}
        <div class="buttons">
          <button
            type="button"
            class="main"
            onClick={() => previewPlane(image)}
          >
            Preview
          </button>
          <button type="button" onClick={() => previewAll()}>
            All images
          </button>
        </div>
        <ModelLine />
      </Section>
      <JobSection image={image} />
      <TuneSection image={image} />
      <CodeSection image={image} />
    </>
  );
}

/** Whether the network may run on WebGPU, and where it does. */
function GpuSwitch() {
  const on = runsOn.value;
  const hasGpu = "gpu" in navigator;
  return (
    <>
      <Check label="Use WebGPU" value={usesGpu} />
      <p class="hint" role="status" data-testid="provider">
        {!usesGpu.value
          ? "WebAssembly, as asked for."
          : on?.reason
          ? `WebGPU cannot be used (${on.reason}): WebAssembly runs instead, which is slower.`
          : on
          ? `Runs on ${on.provider === "webgpu" ? "WebGPU" : "WebAssembly"}.`
          : hasGpu
          ? "WebGPU is tried first."
          : "This browser has no WebGPU: WebAssembly runs instead, which is slower."}
      </p>
    </>
  );
}

async function previewAll() {
  for (const image of docs.value) await previewPlane(image);
}

function ModelLine() {
  const [model] = models.value;
  if (model === undefined) return null;
  return (
    <p class="hint">
      Model {model.name}, licence {model.licence ?? "unknown"},{" "}
      <code title={model.sha256}>{model.sha256.slice(0, 12)}</code>
    </p>
  );
}

function JobSection({ image }: { image: Doc }) {
  const { quote, job } = image.job.value;
  const isRunning = job !== undefined &&
    (job.state === "queued" || job.state === "running");
  return (
    <Section title="Full resolution">
      {models.value.length > 1 && (
        <Choice
          label="Model"
          value={jobModel.value}
          choices={models.value.map(({ id, name }) => [id, name] as const)}
          onChange={(value) => {
            jobModel.value = value;
            image.job.value = {};
          }}
        />
      )}
      {quote === undefined || (job && !isRunning)
        ? (
          <button type="button" onClick={() => quoteJob(image)}>
            Get a quote
          </button>
        )
        : null}
      {quote && !job && (
        <>
          <p>
            {Math.round(quote.pixels).toLocaleString("en")} pixels,{" "}
            {quote.tiles} tiles, about {quote.gpuSeconds.toFixed(1)} s,{" "}
            {quote.price.toFixed(4)} {quote.currency}
            {quote.cached > 0 ? "; the result is known" : ""}
          </p>
          <button
            type="button"
            class="main"
            onClick={() =>
              runJob(image)}
          >
            Run
          </button>
        </>
      )}
      {job && (
        <div class="job" role="status">
          <progress
            aria-label="Progress of the job"
            max={Math.max(1, job.progress.total)}
            value={job.state === "succeeded"
              ? Math.max(1, job.progress.total)
              : job.progress.done}
          />
          <span>
            {job.state}, {job.progress.done} of {job.progress.total} tiles
            {isRunning && job.eta !== null
              ? `, ${Math.ceil(job.eta)} s left`
              : ""}
          </span>
        </div>
      )}
      {isRunning && (
        <button
          type="button"
          onClick={() => cancelJob(image)}
        >
          Cancel
        </button>
      )}
      {job?.state === "succeeded" && (
        <button
          type="button"
          onClick={() => copyLink(image)}
        >
          Copy link to this result
        </button>
      )}
    </Section>
  );
}

function TuneSection({ image }: { image: Doc }) {
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

function CodeSection({ image }: { image: Doc }) {
  const copy = async (kind: CodeKind) => {
    const text = writeCode(kind, image.name, parameters.value);
    try {
      await navigator.clipboard.writeText(text);
      tell("note", `Copied: ${text}`);
    } catch {
      tell("note", text);
    }
  };
  return (
    <Section title="Copy as">
      <div class="buttons">
        <button type="button" onClick={() => copy("command")}>Command</button>
        <button type="button" onClick={() => copy("curl")}>curl</button>
        <button type="button" onClick={() => copy("code")}>Code</button>
      </div>
    </Section>
  );
}
