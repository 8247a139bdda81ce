/**
 * Images of the runs, and what an undisturbed service makes of them.
 *
 * @module
 */
import { encodePng } from "../../shared/image/png.ts";
import { AS_LABELS, drawLabels, startTestService } from "../edge/service.ts";
import { sha256 } from "./config.ts";
import { DEADLY } from "./sleeper.ts";

/** Outputs that each job asks for. */
export const OUTPUTS = ["tif", "csv"] as const;

/** An image and the digests of its outputs, by file name. */
export interface KnownImage {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly digests: Readonly<Record<string, string>>;
}

/** What job `k` asks for: another result id each, with the same outputs. */
export function parametersOf(k: number) {
  return { ...AS_LABELS, flowThreshold: 0.4 + k * 1e-7 };
}

/** Images of one to nine tiles, run through a service without faults. */
export async function makeImages(): Promise<KnownImage[]> {
  const service = await startTestService();
  try {
    const images: KnownImage[] = [];
    for (const [edge, cells] of [[64, 1], [96, 3], [128, 5], [300, 9]]) {
      const name = `image-${edge}.png`;
      const { png: bytes } = drawLabels({ edge, cells });
      const upload = await service.upload(name, bytes);
      const { body: job } = await service.call("POST", "/v1/jobs", {
        json: {
          images: [{ upload }],
          parameters: parametersOf(0),
          outputs: OUTPUTS,
        },
      });
      await service.finish(job.id);
      const { body } = await service.call("GET", `/v1/jobs/${job.id}/results`);
      const digests: Record<string, string> = {};
      const files: Record<string, { url: string }> = body.images[0].files;
      for (const [file, { url }] of Object.entries(files)) {
        if (!isCompared(file)) continue;
        const answer = await service.fetch(new Request(url));
        digests[file] = sha256(new Uint8Array(await answer.arrayBuffer()));
      }
      images.push({ name, bytes, digests });
    }
    return images;
  } finally {
    await service.close();
  }
}

/** Descriptions hold times and parameters, which differ. */
export function isCompared(file: string): boolean {
  return file !== "result.json";
}

/** An image whose file is cut short. */
export function makeBroken(): Uint8Array {
  return drawLabels().png.slice(0, 60);
}

/** An image that takes its worker along. */
export function makeDeadly(): Uint8Array {
  const edge = 64;
  const data = new Uint8Array(edge * edge).fill(DEADLY, 0, edge);
  return encodePng({
    data,
    size: { height: edge, width: edge },
    channels: 1,
  });
}
