/**
 * Open a checkpoint: tell its format by its bytes, list its tensors.
 *
 * @module
 */
import { UnsupportedFormatError } from "../../shared/errors.ts";
import { type ByteSource, openFile } from "./byte_source.ts";
import { isSafetensors, readSafetensors } from "./read_safetensors.ts";
import { readTorch } from "./read_torch.ts";
import type { Tensors } from "./tensors.ts";

/** An open checkpoint. */
export interface Checkpoint {
  readonly format: "torch" | "safetensors";
  /** Bytes of the file. */
  readonly bytes: number;
  /** A leading `module.` (PyTorch's DataParallel) is taken off all names. */
  readonly tensors: Tensors;
  close(): void;
}

const READ = [
  "PyTorch checkpoints (zip)",
  "safetensors",
];

/**
 * Open a checkpoint; close it when its tensors are read.
 *
 * @throws {UnsupportedFormatError} if it is neither a zip checkpoint nor
 *   safetensors, or holds more than tensors
 * @throws {CorruptImageError} if it is broken
 */
export function openCheckpoint(path: string): Checkpoint {
  const file = openFile(path);
  try {
    const { format, tensors } = readTensors(file);
    return {
      format,
      bytes: file.size,
      tensors: withoutModule(tensors),
      close: () => file.close(),
    };
  } catch (err) {
    file.close();
    throw err;
  }
}

/** List tensors of either format. */
export function readTensors(
  source: ByteSource,
): Pick<Checkpoint, "format" | "tensors"> {
  const head = source.read(0, Math.min(source.size, 16));
  const isZip = head[0] === 0x50 && head[1] === 0x4b;
  if (isZip) return { format: "torch", tensors: readTorch(source) };
  if (isSafetensors(source)) {
    return { format: "safetensors", tensors: readSafetensors(source) };
  }
  if (isLegacy(head)) {
    throw new UnsupportedFormatError(
      "A PyTorch file in the format before 1.6 (a bare pickle)",
      [
        ...READ,
        "so load it in PyTorch with weights_only=True and save it again",
      ],
    );
  }
  throw new UnsupportedFormatError("A file that is no checkpoint", READ);
}

/** Protocol 2 and PyTorch's magic number as a LONG1, or any bare pickle. */
function isLegacy(head: Uint8Array): boolean {
  return head[0] === 0x80 && head[1] >= 2 && head[1] <= 5;
}

function withoutModule(tensors: Tensors): Tensors {
  const prefix = "module.";
  const names = [...tensors.keys()];
  if (names.length === 0 || !names.every((name) => name.startsWith(prefix))) {
    return tensors;
  }
  return new Map(
    [...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
}
