/**
 * Files to damage: the examples, drawn images of several kinds, and every
 * output that the service writes.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { encodeNpy } from "../../shared/image/npy.ts";
import { encodePng } from "../../shared/image/png.ts";
import { OUTPUT_KINDS } from "../../shared/schema/output_kinds.ts";
import { AS_LABELS, drawLabels, type TestService } from "../edge/service.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url);
const IMAGE = /\.(png|tif|jpg)$/;

/** Name and bytes of each file. */
export async function readCorpus(
  service: TestService,
): Promise<[name: string, bytes: Uint8Array][]> {
  const files: [string, Uint8Array][] = readdirSync(EXAMPLES)
    .filter((name) => IMAGE.test(name)).sort()
    .map((name) => [name, readFileSync(new URL(name, EXAMPLES))]);
  const size = { height: 40, width: 50 };
  const pixels = size.height * size.width;
  for (const channels of [1, 3, 4]) {
    const ramp = { length: pixels * channels };
    const bytes = Uint8Array.from(ramp, (_, i) => i * 7);
    const words = Uint16Array.from(ramp, (_, i) => i * 771);
    files.push(
      [`${channels}x8.png`, encodePng({ data: bytes, size, channels })],
      [`${channels}x16.png`, encodePng({ data: words, size, channels })],
      [`${channels}.npy`, encodeNpy(words, [channels, 40, 50])],
    );
  }
  const upload = await service.upload("cells.png", drawLabels().png);
  const { body: job } = await service.call("POST", "/v1/jobs", {
    json: {
      images: [{ upload }],
      parameters: AS_LABELS,
      outputs: Object.keys(OUTPUT_KINDS),
    },
  });
  await service.finish(job.id);
  const { body } = await service.call("GET", `/v1/jobs/${job.id}/results`);
  const outputs: Record<string, { url: string }> = body.images[0].files;
  for (const [name, { url }] of Object.entries(outputs)) {
    const answer = await service.fetch(new Request(url));
    files.push([name, new Uint8Array(await answer.arrayBuffer())]);
  }
  return files;
}
