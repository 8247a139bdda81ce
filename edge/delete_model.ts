/**
 * A tenant's model is forgotten: it can no longer be asked for, and its files
 * go where no other model of the tenant has the same.
 *
 * A call that is cut short can be repeated.
 *
 * @module
 */
import { ConflictError, ForbiddenError } from "../shared/errors.ts";
import { isFinal } from "../shared/queue/job_types.ts";
import type { TaskRecord } from "../shared/queue/tasks.ts";
import { keyPrefix } from "../shared/storage/keys.ts";
import type { EdgeDeps } from "./deps.ts";
import { DEFAULT_MODEL } from "./present.ts";

type Deps = Pick<
  EdgeDeps,
  "models" | "imports" | "trainings" | "jobs" | "store"
>;

/** Records a page. */
const PAGE = 200;

/**
 * Delete a model.
 *
 * @throws {ForbiddenError} for the shipped one
 * @throws {NotFoundError} also for another tenant's
 * @throws {ConflictError} while it is made, or a job or training uses it
 */
export async function deleteModel(
  deps: Deps,
  tenant: string,
  id: string,
): Promise<void> {
  if (id === DEFAULT_MODEL) {
    throw new ForbiddenError("The model of the service cannot be deleted");
  }
  await requireUnused(deps, tenant, id);
  const model = await deps.models.remove(tenant, id);
  if (model === undefined) return;
  try {
    // who asked for it meanwhile has found it, or finds it no more
    await requireUnused(deps, tenant, id);
  } catch (err) {
    await deps.models.restore(tenant, id);
    throw err;
  }
  const others = await deps.models.list(tenant);
  if (others.some((other) => other.model?.digest === model.digest)) return;
  await deleteAll(deps, keyPrefix(tenant, "models", model.digest));
}

async function requireUnused(
  { jobs, imports, trainings }: Deps,
  tenant: string,
  id: string,
): Promise<void> {
  const used = (by: string) =>
    new ConflictError(
      `model ${id}`,
      `is used by ${by}; wait for its end, or cancel it`,
    );
  let page = await jobs.open({ limit: PAGE });
  while (page.length > 0) {
    for (const open of page.filter((job) => job.tenant === tenant)) {
      const job = await jobs.get(tenant, open.id).catch(() => undefined);
      if (job?.model === id && !isFinal(job.state)) throw used(`job ${job.id}`);
    }
    page = await jobs.open({ limit: PAGE, after: page[page.length - 1] });
  }
  for await (const task of runningTasks(trainings, tenant)) {
    const { model } = task.input as { model?: string };
    if (model === id) throw used(`training ${task.id}`);
  }
  // which may give the same files
  for await (const task of runningTasks(imports, tenant)) {
    if (task.id === id) continue;
    throw new ConflictError(
      `model ${id}`,
      `cannot be deleted while model ${task.id} is imported; wait for its end`,
    );
  }
}

async function* runningTasks(
  book: Deps["trainings"],
  tenant: string,
): AsyncGenerator<TaskRecord> {
  let page = await book.list(tenant, { limit: PAGE });
  while (page.length > 0) {
    yield* page.filter(({ state }) => !isFinal(state));
    const after = page[page.length - 1].id;
    page = await book.list(tenant, { limit: PAGE, after });
  }
}

async function deleteAll({ store }: Deps, prefix: string): Promise<void> {
  for (;;) {
    const { objects } = await store.list(prefix);
    if (objects.length === 0) return;
    for (const { key } of objects) await store.delete(key);
  }
}
