"""What the `onnx` package says of graphs and of operators.

    python check_onnx.py FOLDER OPSET < operators.json

FOLDER holds MODEL.onnx files. operators.json: the floating types that we
say each operator takes. Prints JSON: what is wrong with each graph, and the
operators of which ONNX says something else.

Where a graph has x.npy and wide.npy beside it (MODEL.x.npy, MODEL.wide.npy),
it is run by onnx's reference implementation, too: the distance of its first
output to wide.npy, over that one's range, is printed.
"""
import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import defs
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

FLOATS = {"tensor(float)": "f32", "tensor(float16)": "f16",
          "tensor(bfloat16)": "bf16"}
folder, opset = Path(sys.argv[1]), int(sys.argv[2])
ours = json.load(sys.stdin)


def check(path):
    model = onnx.load(path)
    versions = {entry.domain: entry.version for entry in model.opset_import}
    if versions[""] != opset:
        return f"is of operator set {versions['']}"
    try:
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(
            model, check_type=True, strict_mode=True, data_prop=True)
    except Exception as err:
        return str(err)
    return None


def types_of(name):
    """Floating types of the first input that may be one; None: unknown."""
    if not defs.has(name):
        return None
    for given in defs.get_schema(name, opset, "").inputs:
        found = {FLOATS[t] for t in given.types if t in FLOATS}
        if found:
            return sorted(found)
    return []


class MatMul(OpRun):
    """numpy gives the product of two bf16 matrices in f32: round it."""

    def _run(self, a, b):
        wide = np.matmul(a.astype(np.float32), b.astype(np.float32))
        return (wide.astype(a.dtype),)


def run(path):
    x, wide = (np.load(path.with_suffix(f".{end}.npy"))
               for end in ("x", "wide"))
    y = ReferenceEvaluator(str(path), new_ops=[MatMul]).run(None, {"x": x})[0]
    return float(np.abs(y.astype(np.float32) - wide).max() / np.ptp(wide))


paths = sorted(folder.glob("*.onnx"))
print(json.dumps({
    "wrong": {p.stem: why for p in paths if (why := check(p))},
    "count": len(paths),
    "differ": {name: [sorted(types), theirs] for name, types in ours.items()
               if (theirs := types_of(name)) is not None
               and theirs and theirs != sorted(types)},
    "unknown": [name for name in ours if types_of(name) is None],
    "distances": {p.stem: run(p) for p in paths
                  if p.with_suffix(".x.npy").exists()},
}))
