"""Run Cellpose's stages on a case folder, as told line by line.

    python run_cellpose.py FOLDER

In: {"run": STAGE} or {"save": STAGE, "to": PATH}; out: one JSON line each.
Only the stage's own call is timed.
"""
import json
import os
import resource
import sys
import time
import warnings

# the peer prints and logs; only answers may go to the standard output
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
warnings.filterwarnings("ignore", category=UserWarning)

from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from cellpose import dynamics, metrics

torch.set_num_threads(2)
folder = Path(sys.argv[1])
dP = np.load(folder / "dP.npy")
cellprob = np.load(folder / "cellprob.npy")
labels = np.load(folder / "labels.npy").astype(np.int32)
flat = labels.ndim == 2
cpu = torch.device("cpu")
results = {}


def masks():
    return dynamics.resize_and_compute_masks(
        dP, cellprob, niter=200, flow_threshold=0.4, do_3D=not flat, min_size=15,
        device=cpu)


def track_cluster():
    return dynamics.compute_masks(
        dP, cellprob, niter=200, flow_threshold=0, do_3D=not flat, min_size=-1,
        device=cpu)


def labels_to_flows():
    if flat:
        return dynamics.masks_to_flows_gpu(labels, device=cpu)[0]
    return dynamics.masks_to_flows_gpu_3d(labels, device=cpu)


def average_precision():
    return metrics.average_precision(labels, results["masks"], threshold=[0.5, 0.75, 0.9])[0]


STAGES = {"masks": masks, "trackCluster": track_cluster,
          "labelsToFlows": labels_to_flows, "averagePrecision": average_precision}


def answer(**values):
    values["peakBytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(values), file=answers, flush=True)


answer(version=version("cellpose"), torch=torch.__version__, numpy=np.__version__)
for line in sys.stdin:
    order = json.loads(line)
    if "run" in order:
        stage = order["run"]
        start = time.perf_counter()
        results[stage] = STAGES[stage]()
        answer(ms=1000 * (time.perf_counter() - start))
    else:
        result = np.nan_to_num(results[order["save"]])
        if result.dtype == np.float64:
            result = result.astype(np.float32)
        np.save(order["to"], result)
        answer()
