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
import { eachItem, eachOf } from "../shared/queue/pages.ts";
import { keyPrefix } from "../shared/storage/keys.ts";
import type { EdgeDeps } from "./deps.ts";
import { DEFAULT_MODEL } from "./present.ts";

type Deps = Pick<
  EdgeDeps,
  "models" | "imports" | "trainings" | "jobs" | "store"
>;

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
  for await (const open of eachItem(jobs.open, (last) => last)) {
    if (open.tenant !== tenant) continue;
    const job = await jobs.get(tenant, open.id).catch(() => undefined);
    if (job?.model === id && !isFinal(job.state)) throw used(`job ${job.id}`);
  }
  for await (const task of eachOf(trainings, tenant)) {
    const { model } = task.input as { model?: string };
    if (model === id && !isFinal(task.state)) throw used(`training ${task.id}`);
  }
  // which may give the same files
  for await (const task of eachOf(imports, tenant)) {
    if (task.id === id || isFinal(task.state)) continue;
    throw new ConflictError(
      `model ${id}`,
      `cannot be deleted while model ${task.id} is imported; wait for its end`,
    );
  }
}

async function deleteAll({ store }: Deps, prefix: string): Promise<void> {
  for (;;) {
    const { objects } = await store.list(prefix);
    if (objects.length === 0) return;
    for (const { key } of objects) await store.delete(key);
  }
}
