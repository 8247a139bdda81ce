/** Images of discs, and a network that tells their diameter. */
import type { LookTableJson } from "../../shared/pipeline/look_table.ts";
import { createRandom } from "../../shared/synthetic/random.ts";
import { core } from "../core.ts";
import { createFake } from "./fake_encoder.ts";

/** The diameter that the network knows. */
export const DISC_DIAMETER = 20;

/** Bright discs on a grid with jitter. */
export function drawDiscs(edge: number, diameter: number) {
  const random = createRandom(diameter);
  const data = new Float32Array(edge * edge);
  const radius = diameter / 2;
  const pitch = 1.5 * diameter;
  for (let cy = pitch / 2; cy + radius < edge; cy += pitch) {
    for (let cx = pitch / 2; cx + radius < edge; cx += pitch) {
      const [y0, x0] = [cy + random.uniform(), cx + random.uniform()];
      for (let y = Math.floor(y0 - radius); y < y0 + radius; y++) {
        for (let x = Math.floor(x0 - radius); x < x0 + radius; x++) {
          if (y < 0 || x < 0 || y >= edge || x >= edge) continue;
          if ((y - y0) ** 2 + (x - x0) ** 2 > radius ** 2) continue;
          data[y * edge + x] = 1;
        }
      }
    }
  }
  const rows = (top: number, count: number) =>
    data.subarray(top * edge, (top + count) * edge);
  return { data, rows };
}

/** Sees discs, best at its own diameter; its style is theirs. */
export function createDiscReader(looks?: LookTableJson) {
  const fake = createFake((tile, { height, width }) => {
    const size = { height, width };
    const pixels = height * width;
    const logits = tile.slice(0, pixels).map((value) => 10 * value - 5);
    const { masks } = core.labelComponents(logits, size);
    const out = new Float32Array(3 * pixels);
    out.set(core.labelsToFlows(masks, size).map((value) => 5 * value));
    out.set(logits, 2 * pixels);
    return out;
  }, {
    model: {
      family: "cytoedge",
      channels: 1,
      tileSize: 1040,
      tileMultiple: 16,
      diameter: DISC_DIAMETER,
      tellsDiameter: true,
      ...(looks ? { looks } : {}),
    },
  });
  return {
    ...fake,
    async encode(batch: Parameters<typeof fake.encode>[0]) {
      const { outputs } = await fake.encode(batch);
      const { height, width } = batch;
      const logits = outputs.subarray(2 * height * width);
      const { masks } = core.labelComponents(logits, { height, width });
      // the window cuts others
      const { diameters } = core.estimateDiameter(masks, { height, width });
      const diameter = Math.max(0, ...diameters);
      // far from its own diameter it errs toward it
      const seen = DISC_DIAMETER * ((diameter || 1) / DISC_DIAMETER) ** 0.7;
      return { outputs, styles: Float32Array.of(seen) };
    },
  };
}
