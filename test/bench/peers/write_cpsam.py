"""Write a full-size Cellpose-SAM of Cellpose's own class, with random weights.

    python write_cpsam.py FOLDER [SECONDS_OF_TIMING]

FOLDER gets checkpoint.pth, x.npy (1x3x256x256) and y.npy (f32), as a
conformance case. Needs cellpose 4.2.1.1. Prints the time of one tile.
"""
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from cellpose import vit

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)
torch.set_num_threads(2)
network = vit.CPSAM().eval()
with torch.no_grad():
    for name, weight in network.named_parameters():
        # the class leaves these at zero: give them an influence
        if "rel_pos" in name or "pos_embed" in name:
            weight.normal_(0, 0.1)
torch.save(network.state_dict(), folder / "checkpoint.pth")
x = torch.randn(1, 3, 256, 256)
with torch.no_grad():
    y = network(x)[0]
    times = []
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 0):
        started = time.perf_counter()
        network(x)
        times.append(time.perf_counter() - started)
np.save(folder / "x.npy", x.numpy())
np.save(folder / "y.npy", y.numpy())
seconds = min(times) if times else None
print(json.dumps({"torch": torch.__version__, "secondsPerTile": seconds}))
