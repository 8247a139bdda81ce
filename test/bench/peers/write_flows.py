"""Write Cellpose's own flows of a folder's labels.npy to flows.npy (f32)."""
import json
import sys
from pathlib import Path

import numpy as np
from cellpose import dynamics

folder = Path(sys.argv[1])
labels = np.load(folder / "labels.npy").astype(np.int32)
if labels.ndim == 2:
    flows = dynamics.masks_to_flows_gpu(labels)[0]
else:
    # where heat is 0 the peer divides 0 by 0
    flows = np.nan_to_num(dynamics.masks_to_flows_gpu_3d(labels))
np.save(folder / "flows.npy", flows.astype(np.float32))
print(json.dumps({"peakBytes": 0}))
