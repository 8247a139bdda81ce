/**
 * RGBA bytes to a picture that a canvas draws at once.
 *
 * @module
 */

/**
 * Make a bitmap.
 *
 * @param rgba  H×W×4 u8
 */
export function imageFromRgba(
  rgba: Uint8ClampedArray<ArrayBuffer>,
  width: number,
  height: number,
): Promise<ImageBitmap> {
  return createImageBitmap(new ImageData(rgba, width, height));
}
