/**
 * `conformance DIR [--json]`: does the core, in parity mode, agree with the
 * peer's recorded results?
 *
 * One line a case beginning PASS, FAIL or SKIP; the last line counts. Exit
 * code 1 where a case fails or there is none.
 *
 * @module
 */
import { loadCore } from "../wasm/mod.ts";
import { callerPath } from "./caller_path.ts";
import { severity } from "./conformance/check.ts";
import { type Outcome, runConformance } from "./conformance/run.ts";
import { printLine } from "./print.ts";

/**
 * Run the command.
 *
 * @param directory  as the caller spells it
 * @returns          exit code
 */
export async function conformance(
  directory: string,
  { json = false }: { json?: boolean } = {},
): Promise<number> {
  const outcomes: Outcome[] = [];
  const core = await loadCore();
  for await (const outcome of runConformance(core, callerPath(directory))) {
    outcomes.push(outcome);
    const { status, id, message } = outcome;
    if (!json) printLine(`${status} ${id}: ${message}`);
  }
  const failed = outcomes.filter(({ status }) => status === "FAIL").length;
  if (json) {
    const results = outcomes.map(toJson);
    printLine(JSON.stringify({ cases: outcomes.length, failed, results }));
  } else {
    printLine(`${outcomes.length} cases, ${failed} failed`);
  }
  return failed > 0 || outcomes.length === 0 ? 1 : 0;
}

/** JSON has no infinity: an error that cannot be measured is null. */
function toJson({ id, status, message, checks }: Outcome) {
  const worst = checks.length === 0
    ? null
    : checks.reduce((a, b) => severity(b) > severity(a) ? b : a);
  return {
    case: id,
    status,
    message,
    worst: worst?.name ?? null,
    checks: checks.map(({ name, error, limit, unit }) => ({
      name,
      error: Number.isFinite(error) ? error : null,
      limit,
      unit,
    })),
  };
}
