"""Cellpose from file to file around a network that costs next to nothing.

python rest_peer.py IMAGE OUT AFFINE.json THREADS

The network is an affine map of each channel, so that Cellpose does on a known
image all that it does around a real one. A line on the standard input runs it
once: read, eval, write; the answer is a line with the milliseconds of the whole
and of the network, and of the processors without the network. Needs cellpose 4.2.1.1.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch
from cellpose import io, models, vit

image, out, affine, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
maps = json.loads(Path(affine).read_text())


class Affine(vit.BaseModel):
    def __init__(self):
        super().__init__(dtype=torch.float32)
        for name in ("gain", "offset"):
            values = torch.tensor(maps[name], dtype=torch.float32)
            setattr(self, name, torch.nn.Parameter(
                values.reshape(1, 3, 1, 1), requires_grad=False))
        self.nout = 3
        self.seconds = 0.0
        self.processor = 0.0

    def forward(self, x):
        start, busy = time.perf_counter(), time.process_time()
        y = x * self.gain + self.offset
        self.seconds += time.perf_counter() - start
        self.processor += time.process_time() - busy
        return y, torch.zeros((x.shape[0], 256))


net = Affine().eval()
model = models.CellposeModel.__new__(models.CellposeModel)
model.device, model.gpu = torch.device("cpu"), False
model.pretrained_model, model.backbone, model.net = "affine", "sam_vitl", net
print(json.dumps({"torch": torch.__version__}), flush=True)
for _ in sys.stdin:
    net.seconds = net.processor = 0.0
    start, busy = time.perf_counter(), time.process_time()
    masks = model.eval(io.imread(image))[0]
    io.imsave(out, masks.astype(np.uint16))
    whole = time.perf_counter() - start
    processor = time.process_time() - busy - net.processor
    print(json.dumps({
        "ms": 1e3 * whole, "networkMs": 1e3 * net.seconds,
        "processorMs": 1e3 * processor,
        "cells": int(masks.max()),
        "peakBytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }), flush=True)
