/**
 * The synthetic bench: scenes whose truth is known, and what each way from
 * flows to masks makes of them.
 *
 * @module
 */
import { batch, signal } from "@preact/signals";
import type { SceneOptions } from "../../../shared/synthetic/mod.ts";
import { openPicture } from "../actions/open.ts";
import { keepNetwork, showMasksOf } from "../actions/masks.ts";
import { Labels } from "../edit/labels.ts";
import { pack, summarize } from "../edit/packed.ts";
import { planeOf, withBusy } from "../store.ts";
import type { BenchMethod } from "../work/scenes.ts";
import { cellWorker } from "../workers.ts";
import { Chart, type Curve } from "./chart.tsx";
import { Choice, Section, Slider } from "./parts.tsx";
import {
  FIGURE_5_EPS,
  FIGURE_5_STEPS,
  FIGURE_6_EPS,
  FIGURE_6_STEPS,
  FIGURE_SCENE,
  SCENARIOS,
} from "./scenarios.ts";

const scene = signal<SceneOptions>(SCENARIOS[0].scene);
const chosen = signal<string>("Ex1");
const seed = signal(1);
const way = signal<BenchMethod>("ours");
const niter = signal(200);
const eps = signal(1.5);
const outcome = signal<
  { meanIou: number; tp: number; fp: number; fn: number } | undefined
>(undefined);
const figure5 = signal<
  readonly { eps: number; tp: number; fp: number; fn: number; iou: number }[]
>([]);
const figure6 = signal<readonly Curve[]>([]);

/** The panel. */
export function BenchPanel() {
  const set = (change: Partial<SceneOptions>) =>
    batch(() => {
      chosen.value = "own";
      scene.value = { ...scene.value, ...change };
    });
  const { shape, count, overlap } = scene.value;
  return (
    <>
      <Section title="Scene">
        <Choice
          label="Scenario"
          value={chosen.value}
          choices={[
            ...SCENARIOS.map(({ name, what }) =>
              [name, `${name}: ${what}`] as const
            ),
            ["own", "own"],
          ]}
          onChange={(name) =>
            batch(() => {
              chosen.value = name;
              scene.value = SCENARIOS.find((each) => each.name === name)
                ?.scene ?? scene.value;
            })}
        />
        <Choice
          label="Shape"
          value={shape}
          choices={[
            ["circle", "circles"],
            ["ellipse", "ellipses"],
            ["rod", "rods"],
            ["mixed", "mixed"],
          ]}
          onChange={(value) => set({ shape: value })}
        />
        <Slider
          label="Cells"
          value={count}
          min={1}
          max={40}
          step={1}
          onChange={(value) => set({ count: Math.round(value) })}
        />
        <Slider
          label="Overlap"
          value={overlap}
          min={0}
          max={0.95}
          step={0.05}
          onChange={(value) => set({ overlap: value })}
        />
        <Slider
          label="Seed"
          value={seed.value}
          min={1}
          max={100}
          step={1}
          onChange={(value) => seed.value = Math.round(value)}
        />
      </Section>
      <Section title="From flows to masks">
        <Choice
          label="Method"
          value={way.value}
          choices={[
            ["ours", "ours: diffusion, peaks"],
            ["report", "report: centroid flows, DBSCAN"],
          ]}
          onChange={(value) => way.value = value}
        />
        <Slider
          label="Steps"
          value={niter.value}
          min={0}
          max={400}
          step={5}
          onChange={(value) => niter.value = Math.round(value)}
        />
        {way.value === "report" && (
          <Slider
            label="Neighbors within, px (eps)"
            value={eps.value}
            min={0.5}
            max={6}
            step={0.1}
            onChange={(value) => eps.value = value}
          />
        )}
        <button type="button" class="main" onClick={run}>Run</button>
        {outcome.value && (
          <p data-testid="outcome">
            Mean IoU {outcome.value.meanIou.toFixed(3)}; {outcome.value.tp} TP,
            {" "}
            {outcome.value.fp} FP, {outcome.value.fn} FN
          </p>
        )}
        <p class="hint">
          The scene is opened as an image with its truth and flows: look at
          them, trace pixels, tune, score.
        </p>
      </Section>
      <Section title="Figures 5 and 6">
        <button type="button" onClick={drawFigures}>
          Compute both here
        </button>
        {figure5.value.length > 0 && (
          <table class="scores">
            <caption>
              Figure 5: 20 cells, {FIGURE_5_STEPS} steps, DBSCAN
            </caption>
            <tbody>
              {figure5.value.map(({ eps, tp, fp, fn, iou }) => (
                <tr key={eps}>
                  <th scope="row">eps {eps}</th>
                  <td>{iou.toFixed(3)}</td>
                  <td>{tp} TP, {fp} FP, {fn} FN</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {figure6.value.length > 0 && (
          <Chart
            title="Figure 6: mean IoU against steps"
            curves={figure6.value}
          />
        )}
      </Section>
    </>
  );
}

async function run(): Promise<void> {
  await withBusy("Making the scene", async () => {
    const made = await cellWorker.call("makeScene", {
      seed: seed.value,
      scene: scene.value,
    });
    const { labels, size, flows, cellprob, image } = made;
    const found = await cellWorker.call("runBench", {
      labels,
      size,
      method: way.value,
      niter: niter.value,
      eps: eps.value,
    });
    const doc = await openPicture({
      name: `${chosen.value}, seed ${seed.value}`,
      data: image,
      size,
    });
    const npy = new Float32Array(flows.length + cellprob.length);
    npy.set(flows);
    npy.set(cellprob, flows.length);
    await keepNetwork(doc, 0, {
      npy,
      flowsSize: size,
      family: "cytoedge",
      niter: niter.value,
      diameter: null,
    });
    planeOf(doc).truth.value = new Labels(pack(labels), size);
    showMasksOf(doc, summarize(pack(found.masks)), {
      plane: 0,
      source: "scene",
    });
    outcome.value = found;
  });
}

async function drawFigures(): Promise<void> {
  await withBusy("Computing Figures 5 and 6", async () => {
    const { labels, size } = await cellWorker.call("makeScene", {
      seed: seed.value,
      scene: FIGURE_SCENE,
    });
    const rows = [];
    for (const each of FIGURE_5_EPS) {
      const { tp, fp, fn, meanIou } = await cellWorker.call("runBench", {
        labels,
        size,
        method: "report",
        niter: FIGURE_5_STEPS,
        eps: each,
      });
      rows.push({ eps: each, tp, fp, fn, iou: meanIou });
    }
    figure5.value = rows;
    const curves = await cellWorker.call("sweepSteps", {
      labels,
      size,
      epsList: FIGURE_6_EPS,
      steps: FIGURE_6_STEPS,
    });
    figure6.value = curves.map(({ eps, points }) => ({
      name: `eps ${eps}`,
      most: 1,
      points: points.map(({ niter, iou }) => [niter, iou] as const),
    }));
  });
}
