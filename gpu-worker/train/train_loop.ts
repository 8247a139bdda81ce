/**
 * SPINE of training: batches → steps → validations → checkpoints, until the
 * steps are done, the score no longer rises, or the time is over.
 *
 * The result depends on the plan only, not on how often it was stopped: a
 * batch depends on its number, a rate on its step, and a checkpoint holds the
 * rest.
 *
 * @module
 */
import { join } from "node:path";
import { ArgumentError, ModelError } from "../../shared/errors.ts";
import { addToAverage, type Average } from "./average.ts";
import {
  type Best,
  type Checkpoint,
  loadCheckpoint,
  saveCheckpoint,
} from "./checkpoint.ts";
import type { Batches } from "./open_batches.ts";
import { planRates, type RateOptions } from "./plan_rates.ts";
import { type LogLine, openLog, rewindLog } from "./run_log.ts";
import type { Trainer, TrainState } from "./trainer_port.ts";
import {
  type Finding,
  judgeLoss,
  judgeScale,
  updateMean,
} from "./watch_training.ts";
import { writeSafetensors } from "./write_safetensors.ts";

/** How long, how fast, how often. */
export interface LoopPlan extends Omit<RateOptions, "steps"> {
  /** None: as many as `minutes` allow, by the speed of the first ones. */
  readonly steps?: number;
  /** Of training, in all runs together. */
  readonly minutes?: number;
  /**
   * Share of the steps, at their end, whose checkpoints' weights are averaged;
   * none: they are not.
   */
  readonly average?: number;
  /** Steps between validations, checkpoints: multiples of `CHUNK`. */
  readonly validateEvery: number;
  readonly checkpointEvery: number;
  /** Validations without a better score before it stops; none: all steps. */
  readonly patience?: number;
  /**
   * Steps that are handed to the trainer together at most; default `CHUNK`.
   * The result does not depend on it.
   */
  readonly chunk?: number;
  /** Digest of all else that the result depends on. */
  readonly fingerprint: string;
}

/** What a validation tells. */
export interface Validation {
  /** Higher is better; the best model is kept by it. */
  readonly score: number;
  readonly findings: readonly Finding[];
  /** For the log. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What the loop works with. */
export interface LoopDeps {
  /** Folder for checkpoint, best weights and log. */
  readonly folder: string;
  readonly openTrainer: (state?: TrainState) => Promise<Trainer>;
  readonly batches: Batches;
  /** None: the last weights are the result. */
  readonly validate?: (trainer: Trainer, step: number) => Promise<Validation>;
  readonly onLine?: (line: LogLine) => void;
  /** Called when the folder holds a new checkpoint. */
  readonly onSaved?: () => Promise<void>;
  /** Ends it before its end, with a checkpoint: it goes on elsewhere. */
  readonly handBack?: AbortSignal | undefined;
}

/** What became of it. */
export interface LoopResult {
  readonly reason: "all steps" | "early stopping" | "time is over";
  readonly step: number;
  readonly best: Best | null;
  readonly seconds: number;
  /** Of the weights, where the plan asks for it and came so far. */
  readonly average?: Average | undefined;
  /** Trainer's state at the last step. */
  readonly state: TrainState;
}

/** Steps that are handed to the trainer together on a processor. */
export const CHUNK = 4;
/**
 * On a device: a call copies all states there and back, which takes as long as
 * some ten steps of a large network.
 */
export const DEVICE_CHUNK = 32;
/** Steps whose speed tells how many there is time for; the first is left out. */
const TIMED = 6 * CHUNK;
/** File names in the folder. */
export const FILES = {
  checkpoint: "checkpoint.safetensors",
  best: "best.safetensors",
  log: "log.jsonl",
} as const;

/**
 * Train, from the checkpoint in the folder if there is one.
 *
 * @throws {ModelError} if the loss explodes or is no number
 * @throws {ArgumentError} if the checkpoint is of another training
 * @throws the reason of `handBack`
 */
export async function runLoop(
  plan: LoopPlan,
  deps: LoopDeps,
): Promise<LoopResult> {
  const paths = {
    checkpoint: join(deps.folder, FILES.checkpoint),
    best: join(deps.folder, FILES.best),
    log: join(deps.folder, FILES.log),
  };
  checkPlan(plan);
  const before = loadCheckpoint(paths.checkpoint);
  if (before !== undefined && before.fingerprint !== plan.fingerprint) {
    throw new ArgumentError(
      "resume",
      `${paths.checkpoint} is of another training: images or options differ`,
    );
  }
  rewindLog(paths.log, before?.state.step ?? -1);
  const log = openLog(paths.log, deps.onLine);
  const started = performance.now();
  const trainer = await deps.openTrainer(before?.state);
  // a training that never stopped has no such line
  if (before !== undefined) {
    log.write({ event: "resume", step: before.state.step });
  }

  let step = before?.state.step ?? 0;
  let steps = before?.steps ?? plan.steps ?? 0;
  let best = before?.best ?? null;
  let sinceBest = before?.sinceBest ?? 0;
  let meanLoss = before?.meanLoss ?? null;
  let average = before?.average;
  let skipped = trainer.lossScale?.()?.skipped ?? 0;
  // validating does not count: designs are compared by their training
  let paused = 0;
  const secondsNow = () =>
    (before?.seconds ?? 0) + (performance.now() - started - paused) / 1000;
  // the first steps after a start are slower
  const timedFrom = step + CHUNK;
  let timed = 0;
  let planned = { length: 0, rates: (_: number) => 0 };
  let reason: LoopResult["reason"] = "all steps";

  const save = async () => {
    const state = await trainer.state();
    const progress: Omit<Checkpoint, "state"> = {
      fingerprint: plan.fingerprint,
      steps,
      best,
      sinceBest,
      seconds: secondsNow(),
      meanLoss,
    };
    saveCheckpoint(paths.checkpoint, { ...progress, state, average });
    await deps.onSaved?.();
    return state;
  };

  try {
    for (;;) {
      if (steps === 0 && step >= Math.max(TIMED, timedFrom + 2 * CHUNK)) {
        // the schedule follows the number of steps there is time for
        const each = (secondsNow() - timed) / (step - timedFrom);
        steps = stepsFor(plan, each);
        await save();
      }
      if (steps > 0 && step >= steps) break;
      if (deps.handBack?.aborted) {
        await save();
        throw deps.handBack.reason;
      }
      if (isOver(plan, secondsNow())) {
        reason = "time is over";
        break;
      }
      if (plan.patience !== undefined && sinceBest >= plan.patience) {
        reason = "early stopping";
        break;
      }

      const count = countSteps(plan, { step, steps, deps });
      const length = steps || guessSteps(plan);
      if (planned.length !== length) {
        planned = { length, rates: planRates({ ...plan, steps: length }) };
      }
      const { rates } = planned;
      const chosen = Array.from({ length: count }, (_, i) => rates(step + i));
      const batches = await Promise.all(
        chosen.map((_, i) => deps.batches.get(step + i)),
      );
      const begun = performance.now();
      const losses = await trainer.run(batches, chosen);
      const ms = (performance.now() - begun) / count;
      const scaling = trainer.lossScale?.();
      for (const [i, loss] of losses.entries()) {
        const at = step + i + 1;
        log.write({
          event: "step",
          step: at,
          loss,
          rate: chosen[i],
          ms: Math.round(ms),
          ...(scaling ? { lossScale: scaling.scale } : {}),
        });
        const finding = judgeLoss(loss, { mean: meanLoss, step: at });
        if (finding) tell(finding, { log, step: at });
        meanLoss = updateMean(meanLoss, loss);
      }
      step += count;
      if (scaling) {
        const finding = judgeScale(scaling, { before: skipped, step });
        if (finding) tell(finding, { log, step });
        ({ skipped } = scaling);
      }
      if (step === timedFrom) timed = secondsNow();

      const isLast = step === steps;
      if (deps.validate && (step % plan.validateEvery === 0 || isLast)) {
        const pause = performance.now();
        const { score, findings, facts } = await deps.validate(trainer, step);
        log.write({ event: "validation", step, score, ...facts });
        for (const finding of findings) tell(finding, { log, step });
        sinceBest++;
        if (best === null || score > best.score) {
          best = { step, score };
          sinceBest = 0;
          // before the checkpoint that names it: a kill between does no harm
          writeSafetensors(paths.best, (await trainer.state()).tensors, {
            step: String(step),
          });
        }
        paused += performance.now() - pause;
      }
      if (step % plan.checkpointEvery === 0) {
        // not at other saves: an average must not depend on stops
        if (steps > 0 && step > steps * (1 - (plan.average ?? 0))) {
          average = addToAverage(average, (await trainer.state()).tensors);
        }
        await save();
      }
    }
    const state = await save();
    log.write({ event: "end", step, reason, best });
    return { reason, step, best, seconds: secondsNow(), average, state };
  } finally {
    await trainer.close();
  }
}

/** Steps up to the next validation, checkpoint or end, at most a chunk. */
function countSteps(
  { chunk = CHUNK, validateEvery, checkpointEvery }: LoopPlan,
  { step, steps, deps }: { step: number; steps: number; deps: LoopDeps },
): number {
  // the speed of the first steps is taken chunk by chunk
  if (steps === 0) return CHUNK;
  const every = deps.validate
    ? [validateEvery, checkpointEvery]
    : [checkpointEvery];
  const stops = every.map((one) => one - step % one);
  return Math.min(chunk, steps - step, ...stops);
}

function checkPlan(plan: LoopPlan): void {
  for (const name of ["validateEvery", "checkpointEvery"] as const) {
    if (!Number.isInteger(plan[name] / CHUNK) || plan[name] < CHUNK) {
      throw new ArgumentError(name, `must be a multiple of ${CHUNK}`);
    }
  }
  if (plan.steps === undefined && plan.minutes === undefined) {
    throw new ArgumentError("steps", "or minutes must be given");
  }
}

/** Log what was found; what is fatal ends the training. */
function tell(
  { name, message, isFatal }: Finding,
  { log, step }: { log: ReturnType<typeof openLog>; step: number },
): void {
  log.write({ event: "warning", step, name, message });
  if (isFatal) throw new ModelError("in training", `${name}: ${message}`);
}

/** While the speed is measured the rate is that of a warm-up. */
function guessSteps({ minutes = 1 }: LoopPlan): number {
  return Math.max(TIMED, Math.round(minutes * 60 * 4));
}

function stepsFor({ minutes = 1 }: LoopPlan, secondsEach: number): number {
  const steps = Math.floor(minutes * 60 / secondsEach / CHUNK) * CHUNK;
  return Math.max(steps, TIMED + CHUNK);
}

/** A time beside a number of steps cuts it; alone it only plans them. */
function isOver({ minutes, steps }: LoopPlan, seconds: number): boolean {
  if (minutes === undefined) return false;
  return seconds > minutes * 60 * (steps === undefined ? 1.25 : 1);
}
