/**
 * The runtimes of the embedding examples: what each needs and how it is run.
 *
 * @module
 */
import { join } from "node:path";
import { execPath } from "node:process";

const BUN = "bun@1.4.5";

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** One runtime; its example lies in the folder of its name. */
export interface Runtime {
  readonly name: string;
  /** Must succeed before anything else: the program we do not install. */
  readonly probe: Command;
  /** What to do where the probe fails. */
  readonly mend: string;
  /** Commands that install the rest; none for a runtime that needs no more. */
  readonly install: readonly Command[];
  /** What pins the installed: a file of the example, or a text. */
  readonly pin?: string;
  readonly run: Command;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Describe the seven runtimes.
 *
 * @param cache     folder for what is installed
 * @param chromium  path of the browser, if there is one
 */
export function describeRuntimes(
  cache: string,
  chromium: string | undefined,
): Runtime[] {
  const bun = join(cache, "bun");
  const python = join(cache, "python");
  const rust = { CARGO_TARGET_DIR: join(cache, "rust") };
  return [
    {
      name: "deno",
      probe: [execPath, "--version"],
      mend: "install Deno",
      install: [],
      run: [execPath, "run", "--allow-read", "main.ts"],
    },
    {
      name: "node",
      probe: ["node", "--version"],
      mend: "install Node 20 or later",
      install: [],
      run: ["node", "main.mjs"],
    },
    {
      name: "bun",
      probe: ["npm", "--version"],
      mend: "install Node 20 or later",
      install: [
        ["npm", "install", "--prefix", bun, "--no-audit", "--no-fund", BUN],
      ],
      pin: BUN,
      run: [join(bun, "node_modules", ".bin", "bun"), "main.js"],
    },
    {
      name: "browser",
      probe: [chromium ?? "chromium", "--version"],
      mend: "install Chromium, or set CHROMIUM to its path",
      install: [],
      run: [execPath, "run", "-A", "main.ts"],
    },
    {
      name: "python",
      probe: ["python3", "--version"],
      mend: "install Python 3.9 or later",
      install: [
        ["python3", "-m", "venv", "--clear", python],
        [
          join(python, "bin", "pip"),
          "install",
          "--quiet",
          "--requirement",
          "requirements.txt",
        ],
      ],
      pin: "requirements.txt",
      run: [join(python, "bin", "python"), "main.py"],
    },
    {
      name: "go",
      probe: ["go", "version"],
      mend: "install Go 1.25 or later",
      install: [["go", "mod", "download"]],
      pin: "go.sum",
      run: ["go", "run", "."],
      env: { GOFLAGS: "-mod=readonly" },
    },
    {
      name: "rust",
      probe: ["cargo", "--version"],
      mend: "install Rust 1.95 or later",
      install: [["cargo", "build", "--quiet", "--locked"]],
      pin: "Cargo.lock",
      run: ["cargo", "run", "--quiet", "--locked"],
      env: rust,
    },
  ];
}
