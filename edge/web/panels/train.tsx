/**
 * Tuning a model on images whose cells were corrected here.
 *
 * @module
 */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { compareModels, type Comparison } from "../actions/compare.ts";
import { uploadOf } from "../actions/upload.ts";
import * as api from "../service/api.ts";
import {
  type Doc,
  doc,
  docs,
  jobModel,
  models,
  planeOf,
  prompted,
  tell,
  withBusy,
} from "../store.ts";
import { cellWorker } from "../workers.ts";
import { Chart } from "./chart.tsx";
import { SideBySide } from "./compare.tsx";
import { Check, Section, Slider } from "./parts.tsx";

/** A line of a training's log, as far as it is drawn. */
interface LogLine {
  readonly event: string;
  readonly step: number;
  readonly loss?: number;
  readonly score?: number;
}

const left = signal<ReadonlySet<string>>(new Set());
const minutes = signal(2);
const training = signal<api.WireTraining | undefined>(undefined);
const losses = signal<readonly (readonly [number, number])[]>([]);
const scores = signal<readonly (readonly [number, number])[]>([]);

/** The panel. */
export function TrainPanel() {
  const usable = docs.value.filter(isUsable);
  const chosen = usable.filter(({ id }) => !left.value.has(id));
  const run = training.value;
  const isRunning = run?.state === "queued" || run?.state === "running";
  return (
    <>
      <Section title="Images">
        {usable.length === 0
          ? (
            <p class="hint">
              Open images and correct their cells first; single planes only.
            </p>
          )
          : usable.map((image) => (
            <Check
              key={image.id}
              label={`${image.name}, ${
                planeOf(image, 0).cells.value?.count
              } cells`}
              value={!left.value.has(image.id)}
              onChange={(isOn) => {
                const next = new Set(left.value);
                if (isOn) next.delete(image.id);
                else next.add(image.id);
                left.value = next;
              }}
            />
          ))}
      </Section>
      <Section title="Fine-tuning">
        <Slider
          label="Minutes"
          value={minutes.value}
          min={0.5}
          max={60}
          step={0.5}
          onChange={(value) => minutes.value = value}
        />
        <div class="buttons">
          <button
            type="button"
            class="main"
            disabled={chosen.length === 0 || isRunning}
            onClick={() => start(chosen)}
          >
            Start
          </button>
          {run && isRunning && (
            <button
              type="button"
              onClick={() => cancel(run.id)}
            >
              Cancel
            </button>
          )}
        </div>
        {run && <p role="status">Training {run.state}</p>}
        {losses.value.length > 1 && (
          <Chart
            title="Loss and held-out score against steps"
            curves={[
              { name: "loss", points: losses.value },
              ...(scores.value.length > 0
                ? [{ name: "score", points: scores.value, most: 1 }]
                : []),
            ]}
          />
        )}
        {run?.report && <Report run={run} />}
      </Section>
      <ModelList />
    </>
  );
}

function Report({ run }: { run: api.WireTraining }) {
  const image = doc.value;
  if (run.report === null) return null;
  const { ap, isAdopted, reason, heldOut, leftOut } = run.report;
  const format = (value: number | null) => value?.toFixed(3) ?? "unknown";
  return (
    <>
      <p data-testid="report">
        AP50 on {heldOut} held-out images: {format(ap.parent)} before,{" "}
        {format(ap.tuned)} after. {reason}
      </p>
      {leftOut.length > 0 && (
        <ul class="hint">
          {leftOut.map(({ name, detail }) => (
            <li key={name}>{name} was left out: {detail}</li>
          ))}
        </ul>
      )}
      {isAdopted && (
        <>
          <div class="buttons">
            <button type="button" onClick={() => jobModel.value = run.id}>
              Use for jobs
            </button>
            <button type="button" onClick={() => jobModel.value = run.parent}>
              Discard
            </button>
            {image && isUsable(image) && (
              <button
                type="button"
                onClick={() => compare(image, run)}
              >
                Compare on this image
              </button>
            )}
          </div>
          {comparison.value && <SideBySide {...comparison.value} />}
        </>
      )}
    </>
  );
}

/** Names of the models that others were tuned from, by the tuned one's id. */
const parents = signal<ReadonlyMap<string, string>>(new Map());

async function loadParents(): Promise<void> {
  try {
    const trainings = await api.listTrainings();
    parents.value = new Map(trainings.map(({ id, parent }) => [id, parent]));
  } catch (err) {
    // a key without the scope "train" sees no trainings
    const isForbidden = err instanceof api.ServiceError && err.status === 403;
    if (!isForbidden) tell("error", String(err));
  }
}

function ModelList() {
  useEffect(() => void loadParents(), []);
  const all = prompted.value ? [...models.value, prompted.value] : models.value;
  const nameOf = (id: string) =>
    all.find((model) => model.id === id)?.name ?? id;
  return (
    <Section title="Models">
      <ul class="models" data-testid="models">
        {all.map((model) => {
          const parent = parents.value.get(model.id);
          return (
            <li key={model.id}>
              <strong>{model.name}</strong>
              {model.id === jobModel.value ? ", in use for jobs" : ""}
              {model.id === prompted.value?.id ? ", answers prompts" : ""}
              <dl>
                <dt>Licence</dt>
                <dd>{model.licence ?? "unknown"}</dd>
                <dt>SHA-256</dt>
                <dd>
                  <code>{model.sha256}</code>
                </dd>
                <dt>Parent</dt>
                <dd>{parent === undefined ? "none" : nameOf(parent)}</dd>
              </dl>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

function isUsable(image: Doc): boolean {
  const count = planeOf(image, 0).cells.value?.count ?? 0;
  return image.facts.planes === 1 && count > 0;
}

const comparison = signal<Comparison | undefined>(undefined);

async function compare(image: Doc, run: api.WireTraining): Promise<void> {
  comparison.value = undefined;
  comparison.value = await compareModels(image, [
    { title: "Before", model: run.parent },
    { title: "After", model: run.id },
  ]);
}

async function start(images: readonly Doc[]): Promise<void> {
  losses.value = [];
  scores.value = [];
  comparison.value = undefined;
  const begun = await withBusy("Sending images and labels", async () => {
    const items = [];
    for (const image of images) {
      const cells = planeOf(image, 0).cells.value;
      if (!cells) continue;
      const labels = await cellWorker.call("writeLabels", {
        packed: cells.masks.pack(),
        size: image.facts.size,
        format: "tif",
        name: image.name,
      });
      const upload = await uploadOf(image);
      items.push({
        upload,
        labels: await api.upload(new Blob([labels]), "labels.tif"),
      });
    }
    return await api.startTraining(items, {
      name: `tuned on ${images.length} images`,
      minutes: minutes.value,
    });
  });
  if (begun === undefined) return;
  training.value = begun;
  try {
    await api.follow(`trainings/${begun.id}`, (type, data) => {
      if (type === "log") take(data as LogLine);
      else if (type === "state" && training.value) {
        const { state } = data as Pick<api.WireTraining, "state">;
        training.value = { ...training.value, state };
      }
    }, new AbortController().signal);
    training.value = await api.readTraining(begun.id);
    models.value = (await api.listModels()).models;
    void loadParents();
    if (training.value.error) tell("error", training.value.error);
  } catch (err) {
    tell("error", err instanceof Error ? err.message : String(err));
  }
}

function take({ event, step, loss, score }: LogLine): void {
  if (event === "step" && loss !== undefined) {
    losses.value = [...losses.value, [step, loss] as const];
  } else if (event === "validation" && score !== undefined) {
    scores.value = [...scores.value, [step, score] as const];
  }
}

async function cancel(id: string): Promise<void> {
  try {
    training.value = await api.cancelTraining(id);
  } catch (err) {
    tell("error", err instanceof Error ? err.message : String(err));
  }
}
