"""Time training steps of the small U-Net in PyTorch.

usage: run_torch.py EDGE STEPS THREADS

Prints JSON: losses, milliseconds and processor milliseconds of each step, and
the largest memory of the process in MB.
"""

import json
import resource
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

WIDTHS = [32, 64, 128, 160]


def fill(shape, seed):
    fan = int(np.prod(shape[1:]))
    count = int(np.prod(shape))
    u = np.sin((np.arange(count) + 1.0) * 12.9898 + seed * 78.233) * 43758.5453
    values = (2 * (u - np.floor(u)) - 1) * np.sqrt(6 / fan)
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


class Unet(nn.Module):
    def __init__(self, channels=3, widths=WIDTHS):
        super().__init__()
        self.seed = 0
        self.stem = self.conv(channels, widths[0], 3)
        self.first = self.block(widths[0], widths[0])
        self.down = nn.ModuleList(
            self.block(a, b) for a, b in zip(widths, widths[1:])
        )
        self.narrow = nn.ModuleList()
        self.up = nn.ModuleList()
        for a, b in list(zip(widths[1:], widths))[::-1]:
            self.narrow.append(self.conv(a, b, 1))
            self.up.append(self.block(b, b))
        self.head = self.norm_conv(widths[0], 3, 1)

    def conv(self, inner, outer, edge):
        layer = nn.Conv2d(inner, outer, edge, padding=edge // 2)
        layer.weight.data = fill((outer, inner, edge, edge), self.seed)
        layer.bias.data.zero_()
        self.seed += 1
        return layer

    def norm_conv(self, inner, outer, edge):
        return nn.Sequential(
            nn.BatchNorm2d(inner), nn.ReLU(), self.conv(inner, outer, edge)
        )

    def block(self, inner, outer):
        parts = {}
        if inner != outer:
            parts["skip"] = self.conv(inner, outer, 1)
        parts["a"] = self.norm_conv(inner, outer, 3)
        parts["b"] = self.norm_conv(outer, outer, 3)
        return nn.ModuleDict(parts)

    @staticmethod
    def run(block, x):
        skip = block["skip"](x) if "skip" in block else x
        return skip + block["b"](block["a"](x))

    def forward(self, x):
        y = self.run(self.first, self.stem(x))
        maps = [y]
        for block in self.down:
            y = self.run(block, F.max_pool2d(y, 2))
            maps.append(y)
        maps.pop()
        for narrow, block in zip(self.narrow, self.up):
            up = F.interpolate(narrow(y), scale_factor=2, mode="nearest")
            y = self.run(block, up + maps.pop())
        return self.head(y)


def noise(shape, seed):
    u = np.sin((np.arange(int(np.prod(shape))) + 1.0) * 12.9898 + seed * 78.233)
    u = u * 43758.5453
    return torch.from_numpy((u - np.floor(u)).astype(np.float32).reshape(shape))


def batch(edge, seed, count=4, channels=3):
    targets = noise((count, 3, edge, edge), seed + 50)
    targets[:, 1:] -= 0.5
    return noise((count, channels, edge, edge), seed), targets


def loss_of(prediction, targets):
    flows = F.mse_loss(prediction[:, :2], 5 * targets[:, 1:]) / 2
    cells = (targets[:, 0] > 0.5).float()
    return flows + F.binary_cross_entropy_with_logits(prediction[:, 2], cells)


def train(network, batches, decay=0.1):
    """Losses, wall and processor milliseconds of one step a batch."""
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=1e-3, weight_decay=decay
    )
    losses, wall, cpu = [], [], []
    for images, targets in batches:
        start, used = time.perf_counter(), time.process_time()
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(network(images), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        wall.append(1000 * (time.perf_counter() - start))
        cpu.append(1000 * (time.process_time() - used))
    return losses, wall, cpu


if __name__ == "__main__":
    edge, steps, threads = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    batches = (batch(edge, step + 1) for step in range(steps))
    losses, wall, cpu = train(Unet(), batches)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "losses": losses,
                "wall": wall,
                "cpu": cpu,
                "memory": memory,
                "version": torch.__version__,
            }
        )
    )
