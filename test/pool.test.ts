/** The pool: the same masks as one core gives, and no call that hangs. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { loadPool } from "../wasm/mod.ts";
import { core } from "./core.ts";
import { createOutput } from "./network_output.ts";

const run = promisify(execFile);
const DIST = fileURLToPath(new URL("../wasm/dist/", import.meta.url));
const SIZE = { height: 150, width: 60 };
const { flows, cellprob } = createOutput(SIZE, 16, 5);
const expected = core.computeMasks(flows, cellprob, SIZE);

for (const workers of [1, 2, 3]) {
  test(`computeMasks() of ${workers} workers gives the masks of one core`, async () => {
    const pool = await loadPool({ workers });
    try {
      expect(expected.count).toBeGreaterThan(10);
      const calls = [undefined, 7, 40].map((slabRows) =>
        pool.computeMasks(
          flows,
          cellprob,
          SIZE,
          slabRows === undefined ? {} : { slabRows },
        )
      );
      for (const masks of await Promise.all(calls)) {
        expect(masks).toEqual(expected);
      }
      const options = { parity: true, slabRows: 30 };
      expect(await pool.computeMasks(flows, cellprob, SIZE, options))
        .toEqual(core.computeMasks(flows, cellprob, SIZE, { parity: true }));
      const size = { depth: 14, height: 25, width: 37 };
      const volume = createOutput(size, 7, 5);
      expect(await pool.computeMasks(volume.flows, volume.cellprob, size))
        .toEqual(core.computeMasks(volume.flows, volume.cellprob, size));
    } finally {
      pool.close();
    }
  });
}

test("loadPool() names a wrong number of workers", async () => {
  for (const workers of [0, -1, 1.5, NaN, Infinity, 1e9]) {
    await expect(loadPool({ workers })).rejects.toMatchObject({
      name: "ArgumentError",
      argument: "workers",
    });
  }
});

test("computeMasks() of a pool rejects wrong arguments and goes on", async () => {
  const pool = await loadPool({ workers: 1 });
  try {
    await expect(pool.computeMasks(flows, cellprob.subarray(1), SIZE))
      .rejects.toMatchObject({ argument: "cellprob" });
    await expect(pool.computeMasks(flows, cellprob, { height: 0, width: 3 }))
      .rejects.toMatchObject({ argument: "size.height" });
    expect(await pool.computeMasks(flows, cellprob, SIZE)).toEqual(expected);
    // the caller's arrays are copied, not moved away
    expect(flows.length).toBe(2 * cellprob.length);
  } finally {
    pool.close();
  }
});

test("close() rejects the calls under way and those to come", async () => {
  const pool = await loadPool({ workers: 2 });
  const calls = [0, 1, 2].map(() => pool.computeMasks(flows, cellprob, SIZE));
  pool.close();
  for (const call of calls) await expect(call).rejects.toThrow("closed");
  await expect(pool.computeMasks(flows, cellprob, SIZE))
    .rejects.toThrow("closed");
  pool.close();
});

/** Run a script beside a copy of the package in Node; what it printed. */
async function runInNode(
  script: string,
  files: Record<string, string> = {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "cytoedge-pool-"));
  try {
    for (const name of ["core.js", "worker.js", "core.wasm", "package.json"]) {
      await cp(join(DIST, name), join(folder, name));
    }
    await writeFile(join(folder, "flows.f32"), new Uint8Array(flows.buffer));
    await writeFile(
      join(folder, "cellprob.f32"),
      new Uint8Array(cellprob.buffer),
    );
    await writeFile(join(folder, "main.mjs"), PRELUDE + script);
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(folder, name), text);
    }
    const { stdout } = await run("node", [join(folder, "main.mjs")], {
      timeout: 30_000,
    });
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const PRELUDE = `
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { loadPool } from "./core.js";
const read = async (name) => new Float32Array(
  new Uint8Array(await readFile(new URL(name, import.meta.url))).buffer);
const flows = await read("flows.f32");
const cellprob = await read("cellprob.f32");
const size = ${JSON.stringify(SIZE)};
`;

const hasNode = await run("node", ["--version"]).then(
  ({ stdout }) => Number(stdout.match(/^v(\d+)/)?.[1]) >= 20,
  () => false,
);

test.skipIf(!hasNode)(
  "the package's pool gives the same masks in Node (needs Node ≥20)",
  async () => {
    const printed = await runInNode(`
      const pool = await loadPool({ workers: 2 });
      const { masks, count } = await pool.computeMasks(
        flows, cellprob, size, { slabRows: 20 });
      console.log(createHash("sha256").update(masks).digest("hex"), count);
      pool.close();
    `);
    const digest = createHash("sha256").update(expected.masks).digest("hex");
    expect(printed).toBe(`${digest} ${expected.count}\n`);
  },
);

test.skipIf(!hasNode)(
  "a worker that fails rejects its calls, and those to come (needs Node ≥20)",
  async () => {
    const script = `
      const pool = await loadPool({ workers: 2 });
      for (let i = 0; i < 2; i++) {
        await pool.computeMasks(flows, cellprob, size, { slabRows: 20 })
          .then(() => console.log("done"), (err) => console.log(err.message));
      }
      pool.close();
    `;
    const port = `
      import { parentPort } from "node:worker_threads";
      parentPort.on("message", (data) => {
        if (data.id !== undefined) BODY;
      });
    `;
    for (
      const [worker, message] of [
        [port.replace("BODY", "throw new Error('broken')"), "broken"],
        [port.replace("BODY", "process.exit(1)"), "A worker of the pool ended"],
        ["import './missing.js'", "Cannot find module"],
        ["throw new Error('at once')", "at once"],
      ]
    ) {
      const printed = await runInNode(script, { "worker.js": worker });
      const lines = printed.trim().split("\n");
      expect(lines.length).toBe(2);
      for (const line of lines) expect(line).toContain(message);
    }
  },
);
