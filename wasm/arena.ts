/**
 * The boundary between typed arrays and the module's memory.
 *
 * A call of the host API is one `scope`: arrays are copied in, kernels run,
 * results are copied out, and everything is freed on every path. Scopes nest.
 *
 * @module
 */
import { CoreMemoryError } from "../shared/errors.ts";
import type { LabelArray } from "../shared/ndarray.ts";
import type { instantiate } from "./dist/kernels.d.ts";

/** Raw exports of the module; `docs/abi.md` describes each. */
export type Kernels = Awaited<ReturnType<typeof instantiate>>;

/** Memory kept between calls; a larger instance is replaced by a fresh one. */
const KEEP_BYTES = 512 * 2 ** 20;

/** One instance of the module and its memory. */
export class Arena {
  #module: WebAssembly.Module;
  #kernels: Kernels;
  #depth = 0;

  constructor(module: WebAssembly.Module) {
    this.#module = module;
    this.#kernels = instantiateKernels(module);
  }

  /** The kernels; do not keep them beyond a scope. */
  get kernels(): Kernels {
    return this.#kernels;
  }

  /** Bytes of linear memory the instance holds now. */
  get bytes(): number {
    return this.#kernels.memory.buffer.byteLength;
  }

  /** Run a call; what it put or reserved is freed when it returns or throws. */
  scope<T>(call: (kernels: Kernels) => T): T {
    const start = this.#kernels.mark();
    this.#depth++;
    try {
      return call(this.#kernels);
    } catch (err) {
      // a trap in a kernel is a bug, but it must not poison the next call
      if (err instanceof WebAssembly.RuntimeError && this.#depth === 1) {
        this.#kernels = instantiateKernels(this.#module);
      }
      throw err;
    } finally {
      this.#depth--;
      this.#kernels.release(start);
      // linear memory never shrinks: after a large call start afresh
      if (this.#depth === 0 && this.bytes > KEEP_BYTES) {
        this.#kernels = instantiateKernels(this.#module);
      }
    }
  }

  /**
   * Reserve uncleared bytes until the scope ends.
   *
   * @returns 16-byte aligned address
   * @throws {CoreMemoryError} if 4 GiB do not hold them
   */
  reserve(bytes: number): number {
    const at = bytes < 2 ** 32 ? this.#kernels.allocate(bytes) >>> 0 : 0;
    if (at === 0) throw new CoreMemoryError(bytes);
    return at;
  }

  /** Copy an array in, keeping its element type. */
  put(
    array: Float32Array | Float64Array | Uint32Array | Int32Array | Uint8Array,
  ) {
    const at = this.reserve(array.byteLength);
    new Uint8Array(this.#kernels.memory.buffer, at, array.byteLength).set(
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
    );
    return at;
  }

  /** Copy labels in as u32 (the caller has checked that none is negative). */
  putLabels(labels: LabelArray): number {
    const at = this.reserve(labels.length * 4);
    this.viewU32(at, labels.length).set(labels);
    return at;
  }

  /** Views are valid until the next allocation. */
  viewF32(at: number, length: number): Float32Array {
    return new Float32Array(this.#kernels.memory.buffer, at, length);
  }
  viewF64(at: number, length: number): Float64Array {
    return new Float64Array(this.#kernels.memory.buffer, at, length);
  }
  viewU32(at: number, length: number): Uint32Array {
    return new Uint32Array(this.#kernels.memory.buffer, at, length);
  }
  viewI32(at: number, length: number): Int32Array {
    return new Int32Array(this.#kernels.memory.buffer, at, length);
  }
  viewU8(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#kernels.memory.buffer, at, length);
  }
}

/**
 * Check what a kernel returned: −2 means that it could not get scratch memory.
 *
 * @throws {CoreMemoryError}
 */
export function checkResult(result: number): number {
  if (result === -2) throw new CoreMemoryError(2 ** 32);
  return result;
}

function instantiateKernels(module: WebAssembly.Module): Kernels {
  const { exports } = new WebAssembly.Instance(module);
  return exports as unknown as Kernels;
}
