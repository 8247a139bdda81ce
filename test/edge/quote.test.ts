import { afterAll, expect, test } from "vitest";
import { encodePng } from "../../shared/image/png.ts";
import { startTestService } from "./service.ts";

const service = await startTestService({ isWorking: false });
afterAll(() => service.close());

async function quote(bytes: Uint8Array) {
  const upload = await service.upload("a.png", bytes);
  const { status, body } = await service.call("POST", "/v1/jobs", {
    json: { images: [{ upload }], dryRun: true },
  });
  expect(status).toBe(200);
  return body;
}

const size = { height: 300, width: 700 };
const data = new Uint8Array(size.height * size.width);
const png = encodePng({ data, size, channels: 1 });

test("a quote counts the pixels and tiles of an image by its header", async () => {
  expect(await quote(png)).toMatchObject({ images: 1, pixels: 210_000 });
  expect((await quote(png)).tiles).toBeGreaterThan(4);
});

test("a header of a size that the file cannot hold does not make a quote", async () => {
  const damaged = png.slice();
  new DataView(damaged.buffer).setUint32(16, 0x7fffffff);
  const { pixels } = await quote(damaged);
  expect(pixels).toBeLessThan(10 * damaged.length);
});
