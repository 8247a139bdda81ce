/**
 * Calls to a worker and its answers, typed by the worker's functions.
 *
 * @module
 */

/** Functions that a worker offers. */
// deno-lint-ignore no-explicit-any
export type Handlers = Record<string, (argument: any) => unknown>;

/** Calls of a worker: each function, with a promise of its result. */
export interface Remote<H extends Handlers> {
  call<K extends keyof H>(
    name: K,
    argument: Parameters<H[K]>[0],
    moved?: Transferable[],
  ): Promise<Awaited<ReturnType<H[K]>>>;
  /** Calls that wait for an answer. */
  readonly pending: number;
  close(): void;
}

interface Request {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly tag?: string };
}

/** The scope of a worker, as far as it is used here. */
interface Scope {
  postMessage(data: Answer, moved: Transferable[]): void;
  addEventListener(
    type: "message",
    handle: (event: MessageEvent<Request>) => void,
  ): void;
}

/** Offer functions; results are moved, so that none may be kept here. */
export function offer(handlers: Handlers): void {
  const scope = globalThis as unknown as Scope;
  scope.addEventListener("message", async ({ data }) => {
    const { id, name, argument } = data;
    try {
      const result = await handlers[name](argument);
      scope.postMessage({ id, result }, buffersOf(result));
    } catch (err) {
      const message = err instanceof Error ? err.message : String(err);
      const tag = (err as { tag?: string } | null)?.tag;
      scope.postMessage({
        id,
        error: { message, ...(tag === undefined ? {} : { tag }) },
      }, []);
    }
  });
}

/** Start a worker and call its functions. */
export function connect<H extends Handlers>(url: string): Remote<H> {
  const worker = new Worker(url, { type: "module" });
  const waiting = new Map<
    number,
    { resolve: (value: never) => void; reject: (err: Error) => void }
  >();
  worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error === undefined) call?.resolve(data.result as never);
    else call?.reject(new Error(data.error.message));
  });
  worker.addEventListener("error", (event) => {
    for (const { reject } of waiting.values()) {
      reject(new Error(`A worker of the page failed: ${event.message}`));
    }
    waiting.clear();
  });
  let last = 0;
  return {
    call(name, argument, moved = []) {
      const id = ++last;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        worker.postMessage({ id, name, argument }, moved);
      });
    },
    get pending() {
      return waiting.size;
    },
    close: () => worker.terminate(),
  };
}

/** What of a result can be moved: two levels down. */
function buffersOf(value: unknown, depth = 0): Transferable[] {
  if (typeof value !== "object" || value === null) return [];
  if (ArrayBuffer.isView(value)) {
    return value.buffer instanceof ArrayBuffer ? [value.buffer] : [];
  }
  if (typeof ImageBitmap !== "undefined" && value instanceof ImageBitmap) {
    return [value];
  }
  if (depth > 3) return [];
  const found = Object.values(value)
    .flatMap((each) => buffersOf(each, depth + 1));
  return depth === 0 ? [...new Set(found)] : found;
}
