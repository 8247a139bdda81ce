"""Time training steps of a small Cellpose-SAM: the same as run_vit.ts.

python run_vit_torch.py CASE STEPS THREADS [MODE]

CASE is a folder that write_case.py made. MODE is cpu (default) or, on a CUDA
card, fp32, tf32 or bf16 (autocast).
"""

import json
import pathlib
import resource
import sys
import time

import numpy as np
import torch
from cellpose.train import _loss_fn_seg

sys.path.append(str(pathlib.Path(__file__).parent.parent / "end_to_end"))
from small_sam import SmallSAM, read_sizes  # noqa: E402

folder = pathlib.Path(sys.argv[1])
steps, threads = map(int, sys.argv[2:4])
mode = sys.argv[4] if len(sys.argv) > 4 else "cpu"
device = torch.device("cpu" if mode == "cpu" else "cuda")
torch.set_num_threads(threads)
torch.backends.cuda.matmul.allow_tf32 = mode != "fp32"
torch.backends.cudnn.allow_tf32 = mode != "fp32"
state = torch.load(folder / "checkpoint.pth", map_location="cpu")
tables = {v.shape[0] for k, v in state.items() if k.endswith("rel_pos_h")}
net = SmallSAM(**read_sizes(state), window=(min(tables) + 1) // 2)
net.load_state_dict(state)
net.to(device).train()
x = torch.from_numpy(np.load(folder / "x.npy")).to(device)
labels = torch.from_numpy(
    np.load(folder / "labels_cellprob_flows.npy")).to(device)
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.1)
losses, wall, cpu = [], [], []
for _ in range(steps):
    start, used = time.perf_counter(), time.process_time()
    with torch.autocast(device.type, torch.bfloat16, enabled=mode == "bf16"):
        loss = _loss_fn_seg(labels, net(x)[0], device)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    wall.append(1000 * (time.perf_counter() - start))
    cpu.append(1000 * (time.process_time() - used))
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(dict(losses=losses, wall=wall, cpu=cpu, memory=memory)))
