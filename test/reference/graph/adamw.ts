/**
 * AdamW, one number a time.
 *
 * Source: Loshchilov and Hutter 2019, algorithm 2; PyTorch 2's order
 */
export function adamwReference(
  weight: number,
  gradients: readonly number[],
  { rates, decay, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: {
    rates: readonly number[];
    decay: number;
    beta1?: number;
    beta2?: number;
    epsilon?: number;
  },
): number {
  let mean = 0;
  let square = 0;
  gradients.forEach((gradient, i) => {
    const t = i + 1;
    weight *= 1 - rates[i] * decay;
    mean = beta1 * mean + (1 - beta1) * gradient;
    square = beta2 * square + (1 - beta2) * gradient ** 2;
    const first = mean / (1 - beta1 ** t);
    const second = square / (1 - beta2 ** t);
    weight -= rates[i] * first / (Math.sqrt(second) + epsilon);
  });
  return weight;
}
