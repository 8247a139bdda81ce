/**
 * The size of a pixel in micrometers.
 *
 * @module
 */
import type { TiffPage } from "./tiff_pages.ts";

/** Micrometers. */
export interface PixelSize {
  /** Distance of slices. */
  readonly z?: number;
  readonly y: number;
  readonly x: number;
}

/** Micrometers of a unit, as OME, ImageJ and NGFF spell them. */
const MICROMETERS: Readonly<Record<string, number>> = {
  "µm": 1,
  "μm": 1,
  um: 1,
  micron: 1,
  microns: 1,
  micrometer: 1,
  micrometre: 1,
  "\\u00B5m": 1,
  nm: 1e-3,
  nanometer: 1e-3,
  nanometre: 1e-3,
  pm: 1e-6,
  "å": 1e-4,
  angstrom: 1e-4,
  mm: 1e3,
  millimeter: 1e3,
  millimetre: 1e3,
  cm: 1e4,
  centimeter: 1e4,
  centimetre: 1e4,
  m: 1e6,
  meter: 1e6,
  metre: 1e6,
  in: 25400,
  inch: 25400,
};

/** Inches are for printers (72 dpi): a pixel above this is none of a camera. */
const MAX_INCH_MICROMETERS = 10;

/** A length in micrometers; undefined for units that are no lengths. */
export function toMicrometers(
  value: number,
  unit: string,
): number | undefined {
  const factor = MICROMETERS[unit] ?? MICROMETERS[unit.toLowerCase()];
  return factor === undefined ? undefined : value * factor;
}

/** The pixel size that a page's resolution tags tell, if they tell one. */
export function readResolution(page: TiffPage): PixelSize | undefined {
  const { resolution, resolutionUnit } = page;
  if (resolution === undefined) return undefined;
  const unit = resolutionUnit === 3 ? 1e4 : resolutionUnit === 2 ? 25400 : 0;
  const [y, x] = [unit / resolution.y, unit / resolution.x];
  const isPrint = resolutionUnit === 2 && x > MAX_INCH_MICROMETERS;
  return unit === 0 || isPrint || !Number.isFinite(x * y)
    ? undefined
    : { y, x };
}
