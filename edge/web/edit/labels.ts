/**
 * Masks that are looked at and edited: runs, and bands of rows unpacked once
 * they are edited. An image of 16384² with 100,000 cells takes 90 MB instead of
 * 1 GB, and is there as soon as its runs are.
 *
 * @module
 */
import type { Size2D } from "../../../shared/ndarray.ts";
import { createPacker, type Packed } from "./packed.ts";

/** Rows that are unpacked together. */
const BAND = 64;

/** Label image that changes in place. */
export class Labels {
  readonly size: Size2D;
  readonly #packed: Packed;
  /** First pixel of each run, and the number of pixels. */
  readonly #starts: Uint32Array;
  readonly #bands: (Uint32Array | undefined)[];
  /** Bands that another shares: copied before they are changed. */
  readonly #shared = new Set<number>();
  #repacked: Packed | undefined;

  /** @param packed  not copied, and not changed */
  constructor(packed: Packed, size: Size2D, starts?: Uint32Array) {
    this.size = size;
    this.#packed = packed;
    this.#repacked = packed;
    this.#starts = starts ?? findStarts(packed);
    this.#bands = new Array(Math.ceil(size.height / BAND));
  }

  /** Label of a pixel. */
  at(pixel: number): number {
    const band = this.#bands[this.#bandOf(pixel)];
    if (band !== undefined) return band[pixel - this.#bandStart(pixel)];
    return this.#packed[2 * this.#runAt(pixel) + 1];
  }

  /** Write one label to pixels from … to. */
  fill(label: number, from: number, to: number): void {
    this.#repacked = undefined;
    while (from < to) {
      const k = this.#bandOf(from);
      const start = this.#bandStart(from);
      const band = this.#unpackBand(k);
      const end = Math.min(to, start + band.length);
      band.fill(label, from - start, end - start);
      from = end;
    }
  }

  /**
   * Read every `step`-th pixel of a row.
   *
   * @param from  first pixel that is read
   * @param out   its elements `at` … `at + count` are written
   */
  read(
    from: number,
    { step, count, out, at }: {
      step: number;
      count: number;
      out: Uint32Array;
      at: number;
    },
  ): void {
    const band = this.#bands[this.#bandOf(from)];
    if (band !== undefined) {
      let i = from - this.#bandStart(from);
      for (let k = 0; k < count; k++, i += step) out[at + k] = band[i];
      return;
    }
    const [packed, starts] = [this.#packed, this.#starts];
    let run = this.#runAt(from);
    for (let k = 0, pixel = from; k < count; k++, pixel += step) {
      while (starts[run + 1] <= pixel) run++;
      out[at + k] = packed[2 * run + 1];
    }
  }

  /** Visit all runs in raster order, the background's too. */
  eachRun(visit: (from: number, to: number, label: number) => void): void {
    const packed = this.pack();
    for (let r = 0, from = 0; r < packed.length; r += 2) {
      const to = from + packed[r];
      visit(from, to, packed[r + 1]);
      from = to;
    }
  }

  /** As they are now; not to be changed. */
  pack(): Packed {
    if (this.#repacked !== undefined) return this.#repacked;
    const packer = createPacker();
    const pixels = this.size.height * this.size.width;
    const rows = BAND * this.size.width;
    for (let k = 0, from = 0; from < pixels; k++, from += rows) {
      const band = this.#bands[k];
      if (band !== undefined) packer.add(band);
      else this.#addRuns(packer, from, Math.min(pixels, from + rows));
    }
    return this.#repacked = packer.finish();
  }

  /** All pixels, H×W. */
  toArray(): Uint32Array<ArrayBuffer> {
    const out = new Uint32Array(this.size.height * this.size.width);
    this.eachRun((from, to, label) => {
      if (label !== 0) out.fill(label, from, to);
    });
    return out;
  }

  /** Another with the same pixels, which changes on its own. */
  fork(): Labels {
    const fork = new Labels(this.#packed, this.size, this.#starts);
    for (const [k, band] of this.#bands.entries()) {
      if (band === undefined) continue;
      fork.#bands[k] = band;
      fork.#shared.add(k);
      this.#shared.add(k);
    }
    fork.#repacked = this.#repacked;
    return fork;
  }

  #addRuns(
    packer: ReturnType<typeof createPacker>,
    from: number,
    to: number,
  ): void {
    for (let run = this.#runAt(from); from < to; run++) {
      const end = Math.min(to, this.#starts[run + 1]);
      packer.addRun(this.#packed[2 * run + 1], end - from);
      from = end;
    }
  }

  #bandOf(pixel: number): number {
    return Math.floor(pixel / (BAND * this.size.width));
  }

  #bandStart(pixel: number): number {
    return this.#bandOf(pixel) * BAND * this.size.width;
  }

  #unpackBand(k: number): Uint32Array {
    const known = this.#bands[k];
    if (known !== undefined && !this.#shared.has(k)) return known;
    this.#shared.delete(k);
    if (known !== undefined) return this.#bands[k] = known.slice();
    const from = k * BAND * this.size.width;
    const count = Math.min(BAND, this.size.height - k * BAND) *
      this.size.width;
    const band = new Uint32Array(count);
    this.read(from, { step: 1, count, out: band, at: 0 });
    return this.#bands[k] = band;
  }

  /** The run that a pixel lies in. */
  #runAt(pixel: number): number {
    const starts = this.#starts;
    let low = 0;
    let high = starts.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= pixel) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** First pixel of each run; the number of pixels at the end. */
function findStarts(packed: Packed): Uint32Array {
  const starts = new Uint32Array(packed.length / 2 + 1);
  for (let r = 0, at = 0; r < packed.length; r += 2) {
    at += packed[r];
    starts[r / 2 + 1] = at;
  }
  return starts;
}
