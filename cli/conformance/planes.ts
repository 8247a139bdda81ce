/**
 * Pixels of a file, channels last, as planes.
 *
 * @module
 */

/**
 * Turn interleaved pixels into planes: H×W×C → C×H×W.
 *
 * @param data      any rank, channels last
 * @param channels  C; 1 leaves the data as it is
 */
export function toPlanes<T extends Float32Array | Uint32Array>(
  data: T,
  channels: number,
): T {
  if (channels === 1) return data;
  const planes = data.slice() as T;
  const pixels = data.length / channels;
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < channels; c++) {
      planes[c * pixels + i] = data[i * channels + c];
    }
  }
  return planes;
}
