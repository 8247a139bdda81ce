/** Imports in 16 bits, and our table of types, beside the `onnx` package. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importModel } from "../../gpu-worker/import/import_model.ts";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import { KNOWN_OPERATORS, typesOf } from "../../shared/graph/mod.ts";
import { decodeNpy, encodeNpy } from "../../shared/image/npy.ts";
import { HAS_PYTHON, PYTHON } from "../files/python.ts";
import { MODELS, unpackModels } from "./models.ts";

const HAS_ONNX = HAS_PYTHON &&
  spawnSync(PYTHON, ["-c", "import onnx"]).status === 0;
/** Of ONNX Runtime, not of ONNX: its own loader checks them. */
const RUNTIMES = ["FusedMatMul", "MultiHeadAttention", "DynamicQuantizeMatMul"];

describe.skipIf(!HAS_ONNX)("imports and the onnx package", () => {
  let root: string;
  beforeAll(() => {
    root = unpackModels();
  });
  afterAll(() => rmSync(root, { recursive: true }));

  test("importModel() in bf16 and fp16 writes graphs that onnx.checker takes", async () => {
    const graphs = join(root, "graphs");
    mkdirSync(graphs);
    let count = 0;
    for (const id of MODELS) {
      for (const precision of ["bf16", "fp16"] as const) {
        for (const attention of ["plain", "fused"] as const) {
          const folder = mkdtempSync(join(root, "model-"));
          const path = join(root, id, "checkpoint.pth");
          const json = importModel(path, folder, { precision, attention });
          for (const { name, files: [file] } of json.networks) {
            const label = [id, precision, attention, name].join("_");
            copyFileSync(join(folder, file.name), graph(graphs, label));
            count++;
          }
        }
      }
    }
    for (const id of ["cellpose_sam_0", "cellpose_dino_0"]) {
      await addWide(id, join(graphs, `${id}_bf16_plain_model`));
    }
    const table = KNOWN_OPERATORS.map((op) => [op, typesOf(op)]);
    const found = check(graphs, Object.fromEntries(table));
    expect(found).toMatchObject({ wrong: {}, count, differ: {} });
    expect(found.unknown.toSorted()).toEqual(RUNTIMES.toSorted());
    const distances = Object.values(found.distances);
    expect(distances).toHaveLength(2);
    expect(Math.max(...distances)).toBeLessThan(2e-2);
    expect(Math.min(...distances)).toBeGreaterThan(0);
  });

  /** Put a case's input and its output in fp32 beside a graph. */
  async function addWide(id: string, stem: string) {
    const folder = mkdtempSync(join(root, "wide-"));
    importModel(join(root, id, "checkpoint.pth"), folder);
    const bytes = await readFile(join(root, id, "x.npy"));
    const { data, shape } = decodeNpy(bytes);
    const runner = await loadGraph(join(folder, "model.onnx"));
    const { y } = await runner.run({
      x: { data: data as Float32Array, shape },
    });
    await runner.close();
    writeFileSync(`${stem}.x.npy`, bytes);
    writeFileSync(`${stem}.wide.npy`, encodeNpy(y.data, [...y.shape]));
  }
});

const graph = (folder: string, label: string) => join(folder, `${label}.onnx`);

/** What the script prints. */
interface Checked {
  readonly wrong: Readonly<Record<string, string>>;
  readonly count: number;
  readonly differ: Readonly<Record<string, unknown>>;
  readonly unknown: readonly string[];
  readonly distances: Readonly<Record<string, number>>;
}

function check(folder: string, table: Record<string, unknown>): Checked {
  const script = fileURLToPath(
    new URL("../files/check_onnx.py", import.meta.url),
  );
  const { stdout, stderr } = spawnSync(PYTHON, [script, folder, "20"], {
    input: JSON.stringify(table),
    encoding: "utf8",
  });
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
}
