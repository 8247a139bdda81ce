"""Write test/fixtures/training/unet.json: steps of a tiny U-Net in PyTorch.

usage: write_unet.py OUT
"""

import json
import sys

import torch
from run_torch import Unet, batch, train

WIDTHS = [4, 6, 8]
EDGE = 16

torch.set_num_threads(1)
batches = [batch(EDGE, seed, count=2, channels=2) for seed in (1, 2, 3)]
network = Unet(channels=2, widths=WIDTHS)
losses, _, _ = train(network, batches)
# statistics of one step: a bias before a norm has no gradient but rounding,
# which AdamW turns into steps of full size
single = Unet(channels=2, widths=WIDTHS)
train(single, batches[:1])

norms = [m for m in single.modules() if isinstance(m, torch.nn.BatchNorm2d)]
json.dump(
    {
        "made_by": f"test/bench/train/write_unet.py, PyTorch {torch.__version__}",
        "losses": losses,
        "stem": network.stem.weight.flatten().tolist(),
        "head": network.head[2].weight.flatten().tolist(),
        "means": [norm.running_mean.tolist() for norm in norms],
        "variances": [norm.running_var.tolist() for norm in norms],
    },
    open(sys.argv[1], "w"),
)
