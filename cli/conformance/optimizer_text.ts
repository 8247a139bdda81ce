/**
 * The optimizer of a training case, which is written as text.
 *
 * @module
 */
import { CaseError } from "./case.ts";

/** Settings of AdamW; `epsilon`, `weightDecay`: see the optimizer's own. */
export interface OptimizerSettings {
  /** Learning rate. */
  readonly rate: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/**
 * Read, for example, `AdamW lr=1e-3 weight_decay=0.1 betas=(0.9,0.999)`.
 *
 * @returns  PyTorch's defaults for what is not said
 * @throws {CaseError} for another optimizer, or a word that is not known
 */
export function readOptimizer(text: unknown): OptimizerSettings {
  const fail = (reason: string) =>
    new CaseError(`case.json: optimizer ${reason}`);
  if (typeof text !== "string") throw fail("must be text");
  const parts = /^\s*(\w+)\s*(?:\((.*)\)|(.*))\s*$/s.exec(text);
  const [, name = "", inParentheses, plain] = parts ?? [];
  const rest = inParentheses ?? plain ?? "";
  if (name.toLowerCase() !== "adamw") throw fail(`${text} is not AdamW`);
  const settings = {
    lr: [1e-3],
    weight_decay: [1e-2],
    betas: [0.9, 0.999],
    eps: [1e-8],
  };
  const pairs = /\s*([a-z_]+)\s*=\s*(\([^)]*\)|\[[^\]]*\]|[^\s,]+)\s*,?/giy;
  let end = 0;
  for (const [whole, key, value] of rest.matchAll(pairs)) {
    end += whole.length;
    if (!Object.hasOwn(settings, key)) throw fail(`has an unknown ${key}`);
    const known = settings[key as keyof typeof settings];
    const numbers = value.replace(/^[([]|[)\]]$/g, "").split(",").map(Number);
    if (numbers.length !== known.length || !numbers.every(Number.isFinite)) {
      throw fail(`has ${key}=${value}`);
    }
    settings[key as keyof typeof settings] = numbers;
  }
  if (end !== rest.length) throw fail(`is not understood: ${rest.slice(end)}`);
  const { lr, weight_decay: decay, betas, eps } = settings;
  return {
    rate: lr[0],
    weightDecay: decay[0],
    beta1: betas[0],
    beta2: betas[1],
    epsilon: eps[0],
  };
}
