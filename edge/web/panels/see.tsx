/**
 * What is shown, and how: channels, layers, truth and its scores.
 *
 * @module
 */
import { setTruth } from "../actions/open.ts";
import { effect } from "@preact/signals";
import type { ChannelLook } from "../view/tint.ts";
import { VERDICTS } from "../view/colors.ts";
import {
  baseLayer,
  cellColors,
  type Doc,
  doc,
  opacity,
  plane,
  planeOf,
  showArrows,
  showMasks,
  showOutlines,
  showTruth,
  tell,
  withBusy,
} from "../store.ts";
import type { Scores } from "../work/cells.ts";
import { cellWorker } from "../workers.ts";
import { Check, Choice, FileButton, Section, Slider } from "./parts.tsx";

/** The panel. */
export function SeePanel() {
  const image = doc.value;
  if (image === undefined) return <p>Open an image first.</p>;
  const state = planeOf(image);
  return (
    <>
      <Section title="Layers">
        <Choice
          label="Below"
          value={baseLayer.value}
          choices={[
            ["image", "image"],
            ...(state.hasFlows.value
              ? [
                ["flows", "flows as hues"],
                ["cellprob", "cell probability"],
              ] as const
              : []),
          ]}
          onChange={(value) => baseLayer.value = value}
        />
        <Choice
          label="Cells colored by"
          value={cellColors.value}
          choices={[
            ["stable", "number (stable)"],
            ["confidence", "confidence"],
            ["difference", "difference from truth"],
          ]}
          onChange={(value) => cellColors.value = value}
        />
        <div class="checks">
          <Check label="Masks" value={showMasks} />
          <Check label="Outlines" value={showOutlines} />
          <Check label="Truth" value={showTruth} />
          <Check label="Flow arrows" value={showArrows} />
        </div>
        <Slider
          label="Opacity"
          value={opacity.value}
          min={0}
          max={1}
          step={0.05}
          onChange={(value) => opacity.value = value}
        />
        {cellColors.value === "confidence" && (
          <p class="scale">
            <span>low confidence</span>
            <span class="ramp" aria-hidden="true" />
            <span>high</span>
          </p>
        )}
      </Section>
      <Channels image={image} />
      <TruthSection image={image} />
    </>
  );
}

function Channels({ image }: { image: Doc }) {
  const { facts, looks } = image;
  const set = (c: number, change: Partial<ChannelLook>) => {
    looks.value = looks.value.map((look, k) =>
      k === c ? { ...look, ...change } : look
    );
  };
  return (
    <Section title="Channels">
      {looks.value.map((look, c) => {
        const { min, max } = facts.looks[c];
        const name = facts.channelNames[c] ??
          (facts.channels === 1 ? "Intensity" : `Channel ${c + 1}`);
        const step = Number(((max - min) / 200 || 1).toPrecision(1));
        return (
          <fieldset key={c}>
            <legend>{name}</legend>
            {facts.channels > 1 && (
              <div class="checks">
                <Check
                  label="Shown"
                  value={look.isShown}
                  onChange={(isShown) => set(c, { isShown })}
                />
                <label class="check">
                  <input
                    type="color"
                    value={toHex(look.color)}
                    onInput={(event) =>
                      set(c, { color: fromHex(event.currentTarget.value) })}
                  />
                  Color
                </label>
              </div>
            )}
            <Slider
              label={`${name}: black`}
              value={look.low}
              min={min}
              max={max}
              step={step}
              onChange={(low) => set(c, { low })}
            />
            <Slider
              label={`${name}: full`}
              value={look.high}
              min={min}
              max={max}
              step={step}
              onChange={(high) => set(c, { high })}
            />
            <Slider
              label={`${name}: gamma`}
              value={look.gamma}
              min={0.2}
              max={3}
              step={0.05}
              onChange={(gamma) => set(c, { gamma })}
            />
          </fieldset>
        );
      })}
    </Section>
  );
}

function TruthSection({ image }: { image: Doc }) {
  const state = planeOf(image);
  const scores = state.scores.value;
  return (
    <Section title="Truth">
      <FileButton
        label="Load truth…"
        onFiles={([file]) =>
          withBusy("Reading the truth", async () => {
            await setTruth(image, new Uint8Array(await file.arrayBuffer()));
          })}
      />
      {state.truth.value === undefined
        ? (
          <p class="hint">
            Labels as TIFF, PNG, NPY, _seg.npy, ROI zip, GeoJSON or COCO.
          </p>
        )
        : <ScoreTable scores={scores} />}
    </Section>
  );
}

function ScoreTable({ scores }: { scores: Scores | undefined }) {
  if (scores === undefined) return <p class="hint">No cells to compare yet.</p>;
  const { precision, aji, panoptic, cells } = scores;
  const [kumar] = aji.filter(({ kind }) => kind === "kumar2017");
  return (
    <>
      <table class="scores">
        <caption>Scores, computed in this page</caption>
        <tbody>
          {precision.map(({ threshold, ap, tp, fp, fn }) => (
            <tr key={threshold}>
              <th scope="row">AP{Math.round(threshold * 100)}</th>
              <td>{ap.toFixed(3)}</td>
              <td>{tp} TP, {fp} FP, {fn} FN</td>
            </tr>
          ))}
          <tr>
            <th scope="row">AJI</th>
            <td>{(kumar ?? aji[0]).aji.toFixed(3)}</td>
            <td>Kumar 2017</td>
          </tr>
          <tr>
            <th scope="row">PQ</th>
            <td>{panoptic.pq.toFixed(3)}</td>
            <td>
              SQ {panoptic.sq.toFixed(3)}, RQ {panoptic.rq.toFixed(3)}
            </td>
          </tr>
          <tr>
            <th scope="row">Cells</th>
            <td>{cells.prediction}</td>
            <td>
              of {cells.truth} true; {scores.splits} split, {scores.merges}{" "}
              merged
            </td>
          </tr>
        </tbody>
      </table>
      <ul class="legend">
        {Object.entries(VERDICTS).map(([name, { title }]) => (
          <li key={name}>
            <span class={`dot ${name}`} aria-hidden="true" /> {title}
          </li>
        ))}
      </ul>
    </>
  );
}

/** Scores wait for a pause in the changes. */
const SCORE_PAUSE_MS = 150;

/** Score the chosen plane whenever its cells or its truth change. */
export function watchScores(): () => void {
  let version = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return effect(() => {
    const state = plane.value;
    const image = doc.value;
    const cells = state?.cells.value;
    const truth = state?.truth.value;
    const mine = ++version;
    clearTimeout(timer);
    if (!state || !image) return;
    if (!cells || !truth) {
      state.scores.value = undefined;
      return;
    }
    // while a slider moves, its masks come first
    timer = setTimeout(() => {
      cellWorker.call("score", {
        truth: truth.pack(),
        packed: cells.masks.pack(),
        size: image.facts.size,
      }).then((scores) => {
        // what came later counts
        if (mine === version) state.scores.value = scores;
      }).catch((err) => tell("error", String(err)));
    }, SCORE_PAUSE_MS);
  });
}

function toHex(color: readonly number[]): string {
  return `#${color.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
}

function fromHex(hex: string): [number, number, number] {
  const at = (k: number) => parseInt(hex.slice(1 + 2 * k, 3 + 2 * k), 16);
  return [at(0), at(1), at(2)];
}
