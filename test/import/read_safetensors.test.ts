import { expect, test } from "vitest";
import { fromBytes } from "../../gpu-worker/import/byte_source.ts";
import { readTensors } from "../../gpu-worker/import/checkpoint.ts";
import { join, text } from "./zip.ts";

const file = (header: string, data = new Uint8Array(16)) =>
  fromBytes(join(
    new Uint8Array(BigUint64Array.of(BigInt(header.length)).buffer),
    text(header),
    data,
  ));
const entry = (dtype: string, shape: number[], offsets: number[]) =>
  JSON.stringify({
    __metadata__: { format: "pt" },
    w: { dtype, shape, data_offsets: offsets },
  });

test("readTensors() reads safetensors", () => {
  const data = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
  const { format, tensors } = readTensors(
    file(entry("F32", [2, 1], [4, 12]), data),
  );
  expect(format).toBe("safetensors");
  expect([...tensors.keys()]).toEqual(["w"]);
  expect(tensors.get("w")).toMatchObject({ dtype: "f32", shape: [2, 1] });
  expect(tensors.get("w")?.read()).toEqual(data.subarray(4, 12));
});

test.each([
  ["its end", entry("F32", [8], [0, 32]), /needs 32 bytes/],
  ["a wrong length", entry("F32", [3], [0, 16]), /needs 12 bytes/],
  ["a turned range", entry("F32", [0], [8, 4]), /needs 0 bytes/],
  ["an unknown dtype", entry("F8_E4M3", [4], [0, 4]), /F8_E4M3/],
  ["a shape of fractions", entry("F32", [1.5], [0, 6]), /no shape/],
  ["no JSON", "{not json", /not JSON/],
])("readTensors() refuses safetensors with %s", (_, header, message) => {
  expect(() => readTensors(file(header))).toThrow(message);
});

test("readTensors() refuses a header longer than its file", () => {
  const header = new Uint8Array(BigUint64Array.of(1000n).buffer);
  const bytes = join(header, text("{}      "));
  expect(() => readTensors(fromBytes(bytes))).toThrow(/1000 bytes/);
});
