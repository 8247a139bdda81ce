/** A network without weights: it finds bright cells that lie apart, or none. */
import type { Encoder } from "../../shared/pipeline/encoder.ts";
import { core } from "../core.ts";
import { createFake } from "../pipeline/fake_encoder.ts";

/** @param skill  0 finds nothing, 1 all */
export function createNetworkOf(skill: number): Encoder {
  return createFake((tile, { height, width }) => {
    const size = { height, width };
    const pixels = height * width;
    const out = new Float32Array(3 * pixels).fill(-5, 2 * pixels);
    if (skill === 0) return out;
    const bright = Uint32Array.from(tile, (value) => value > 0.5 ? 1 : 0);
    const { masks } = core.splitLabels(bright, size);
    out.set(core.labelsToFlows(masks, size).map((v) => 5 * v));
    out.set(Float32Array.from(masks, (l) => l > 0 ? 5 : -5), 2 * pixels);
    return out;
  }, { model: { channels: 1, diameter: 20 } });
}
