/**
 * Pickles that call, names that lead out of a zip, and formats that are not read.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import { encodeNpy } from "../../shared/image/npy.ts";
import {
  bytes,
  type HostileFile,
  npyObject,
  ones,
  zeros,
  zip,
  zip64,
} from "./build_files.ts";

/** Files that call, lead elsewhere, or are something else. */
export const CODE: readonly HostileFile[] = [
  // pickles that call
  ...[
    ["os", "system"],
    ["posix", "system"],
    ["builtins", "eval"],
    ["subprocess", "Popen"],
    ["numpy", "load"],
    ["numpy.core.multiarray", "fromfile"],
  ].map(([module, name]) => ({
    name: `_seg.npy that calls ${module}.${name}`,
    make: () =>
      npyObject(
        bytes(`\x80\x02c${module}\n${name}\nX\x04\0\0\0true\x85R.`),
      ),
  })),
  {
    name: "_seg.npy that calls os.system by protocol 4",
    make: () =>
      npyObject(
        bytes("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."),
      ),
  },
  {
    name: "_seg.npy that makes an instance (INST)",
    make: () => npyObject(bytes("(S'true'\nios\nsystem\n.")),
  },
  {
    name: "_seg.npy that asks for an extension",
    make: () => npyObject(bytes("\x80\x02\x82\x01.")),
  },
  {
    name: "_seg.npy that asks for a persistent object",
    make: () => npyObject(bytes("Pevil\n.")),
  },
  {
    name: "_seg.npy that sets a dtype's state to code",
    make: () => npyObject(bytes("cnumpy\ndtype\n(S'O8'\ntR(S'x'\ntb.")),
  },
  // names
  ...["../../etc/passwd.npy", "/etc/passwd.npy", "C:\\a.npy", "a/../../b.npy"]
    .map((name) => ({
      name: `zip with the name ${name}`,
      make: () => zip([{ name, data: encodeNpy(ones(4), [2, 2]) }]),
    })),
  ...[
    ["zip64 whose end leads out of it", 2 ** 40, 1, 0],
    ["zip64 of 2^53 entries", undefined, 2 ** 53, 0],
    ["zip64 whose directory begins at 2^53", undefined, 1, 2 ** 53],
  ].map(([name, record, count, at]) => ({
    name: `${name}`,
    make: () =>
      zip64({
        count: Number(count),
        at: Number(at),
        ...(record === undefined ? {} : { record: Number(record) }),
      }),
  })),
  {
    name: "zip64 entry without its sizes",
    make: () => zip([{ name: "a.npy", data: ones(99), claim: 2 ** 32 - 1 }]),
  },
  {
    name: "encrypted zip",
    make: () => zip([{ name: "a.npy", data: ones(99), flags: 1 }]),
  },
  {
    name: "zip of an unknown method",
    make: () => zip([{ name: "a.npy", data: ones(99), method: 99 }]),
  },
  // other formats
  { name: "ND2", make: () => bytes([0xda, 0xce, 0xbe, 0x0a], zeros(64)) },
  { name: "CZI", make: () => bytes("ZISRAWFILE", zeros(64)) },
  { name: "LIF", make: () => bytes([0x70, 0, 0, 0], zeros(64)) },
  { name: "gzip", make: () => bytes(gzipSync(zeros(64))) },
  { name: "text", make: () => bytes("#!/bin/sh\n") },
];
