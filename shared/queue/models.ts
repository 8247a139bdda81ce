/**
 * The models of a tenant: what its imports and trainings gave.
 *
 * @module
 */
import { ConflictError, isSegError, NotFoundError } from "../errors.ts";
import {
  ImportInput,
  StoredModel,
  type StoredModel as Stored,
  TrainingOutput,
} from "../schema/tasks.ts";
import { isFinal } from "./job_types.ts";
import { eachOf } from "./pages.ts";
import type { TaskBook, TaskRecord } from "./tasks.ts";

/** A model of a tenant, ready or on its way. */
export interface TenantModel {
  /** Of the import or training that gave it. */
  readonly id: string;
  readonly task: TaskRecord;
  readonly name: string;
  /** None until it is ready, and of trainings that kept their parent. */
  readonly model: Stored | undefined;
}

/** Finds models by their ids. */
export interface ModelBook {
  /** @throws {NotFoundError} also for another tenant's */
  get(tenant: string, id: string): Promise<TenantModel>;
  /**
   * A model that can be run.
   *
   * @throws {NotFoundError}
   * @throws {ConflictError} if it is not ready
   */
  require(tenant: string, id: string): Promise<Stored>;
  /**
   * Take a model out of the book; again where an earlier call was cut short.
   *
   * @returns what its files are; undefined: it has none
   * @throws {NotFoundError}
   * @throws {ConflictError} if it is being made
   */
  remove(tenant: string, id: string): Promise<Stored | undefined>;
  /** Put it back. */
  restore(tenant: string, id: string): Promise<void>;
  /** Models that can be run, the newest first. */
  list(tenant: string): Promise<TenantModel[]>;
}

/** Look into the books of imports and trainings. */
export function openModelBook(
  imports: TaskBook,
  trainings: TaskBook,
): ModelBook {
  async function find(tenant: string, id: string) {
    for (const book of [imports, trainings]) {
      try {
        return { book, ...describe(await book.get(tenant, id)) };
      } catch (err) {
        if (!isSegError(err, "not-found")) throw err;
      }
    }
    throw new NotFoundError("model", id);
  }

  async function get(tenant: string, id: string): Promise<TenantModel> {
    const { book: _, ...found } = await find(tenant, id);
    if (found.task.isDeleted) throw new NotFoundError("model", id);
    return found;
  }

  return {
    get,
    async remove(tenant, id) {
      const { book, task, model } = await find(tenant, id);
      if (!isFinal(task.state)) {
        throw new ConflictError(`model ${id}`, "is being made; wait for it");
      }
      // a training that kept its parent, or failed, is no model
      if (book === trainings && model === undefined) {
        throw new NotFoundError("model", id);
      }
      await book.markDeleted({ tenant, id }, true);
      return model;
    },
    async restore(tenant, id) {
      const { book } = await find(tenant, id);
      await book.markDeleted({ tenant, id }, false);
    },
    async require(tenant, id) {
      const { model, task } = await get(tenant, id);
      if (model) return model;
      const state = task.state === "succeeded"
        ? "was not adopted: its parent stays"
        : task.state === "failed"
        ? `could not be made: ${task.error}`
        : `is ${task.state}; wait until it is ready`;
      throw new ConflictError(`model ${id}`, state);
    },
    async list(tenant) {
      const found: TenantModel[] = [];
      for (const book of [imports, trainings]) {
        for await (const task of eachOf(book, tenant)) {
          const each = describe(task);
          if (each.model && !task.isDeleted) found.push(each);
        }
      }
      return found.sort((a, b) => b.task.created - a.task.created);
    },
  };
}

function describe(task: TaskRecord): TenantModel {
  const { name } = task.input as { name: string };
  const isImport = ImportInput.safeParse(task.input).success;
  const model = task.state !== "succeeded"
    ? undefined
    : isImport
    ? StoredModel.parse(task.output)
    : TrainingOutput.parse(task.output).model ?? undefined;
  return { id: task.id, task, name, model };
}
