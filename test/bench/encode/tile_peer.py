"""Time one batch of tiles in PyTorch whenever told to.

python tile_peer.py CHECKPOINT DEVICE THREADS TILES

A line on the standard input runs the network once; the answer is a line with
the milliseconds. The first line tells versions and the network's size. On
"cuda" the network runs in bfloat16, else in float32. Needs cellpose 4.2.1.1.
"""

import json
import sys
import time
from pathlib import Path

import torch
from cellpose import vit

sys.path.append(str(Path(__file__).parent.parent / "end_to_end"))
from small_sam import SmallSAM, read_sizes  # noqa: E402

checkpoint, device, threads, tiles = sys.argv[1:]
torch.set_num_threads(int(threads))
state = torch.load(checkpoint, map_location="cpu")
sizes = read_sizes(state)
network = vit.CPSAM() if sizes["dim"] == 1024 else SmallSAM(**sizes)
network.load_state_dict(state)
dtype = torch.bfloat16 if device == "cuda" else torch.float32
network = network.to(device=device, dtype=dtype).eval()
network.dtype = dtype
x = torch.randn(int(tiles), 3, sizes["tile"], sizes["tile"]).to(device, dtype)
print(json.dumps({
    "torch": torch.__version__,
    "parameters": sum(p.numel() for p in network.parameters()),
    "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
}), flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    with torch.no_grad():
        network(x)
    if device == "cuda":
        torch.cuda.synchronize()
    print(json.dumps({"ms": 1e3 * (time.perf_counter() - start)}), flush=True)
