"""Train a small Cellpose-SAM until it finds cells: for comparing, not for use.

python train_small_sam.py DATA OUT.pth [--steps 700] [--dim 48] [--depth 3]
    [--start CHECKPOINT]

DATA holds NAME.png and NAME_labels.png. Images are scaled to one diameter,
normalized as Cellpose does, and cropped to tiles; the loss is Cellpose's.
"""

import argparse
import pathlib
import time

import cv2
import numpy as np
import torch
from cellpose import dynamics, transforms, utils
from small_sam import SmallSAM, read_sizes
from torch.nn import functional as F

TILE = 256


def read_crops(folder, count, diameter, random):
    """Tiles N×3×T×T and targets N×3×T×T (foreground, dY, dX)."""
    paths = sorted(pathlib.Path(folder).glob("*_labels.png"))
    random.shuffle(paths)
    images, targets = [], []
    for path in paths:
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        name = path.name.replace("_labels.png", ".png")
        image = cv2.imread(str(path.with_name(name)), cv2.IMREAD_UNCHANGED)
        if labels is None or image is None or labels.ndim != 2:
            continue
        if labels.max() < 10:
            continue
        image = image[..., 2::-1] if image.ndim == 3 else image[..., None]
        image = transforms.normalize_img(image.astype(np.float32))
        scale = diameter / max(utils.diameters(labels)[0], 5)
        size = [int(n * scale) for n in labels.shape[::-1]]
        if min(size) < 64 or max(size) > 2000:
            continue
        image = cv2.resize(image, size)
        image = image[..., None] if image.ndim == 2 else image
        labels = cv2.resize(
            labels.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
        y, x = [random.integers(0, max(n - TILE, 0) + 1) for n in labels.shape]
        labels = labels[y:y + TILE, x:x + TILE].astype(np.int32)
        if len(np.unique(labels)) < 6:
            continue
        labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
        flows = dynamics.labels_to_flows(
            [labels], device=torch.device("cpu"))[0]
        tile = np.zeros((3, TILE, TILE), np.float32)
        target = np.zeros((3, TILE, TILE), np.float32)
        h, w = labels.shape
        tile[:image.shape[2], :h, :w] = \
            image[y:y + TILE, x:x + TILE].transpose(2, 0, 1)
        target[:, :h, :w] = np.stack([labels > 0, *flows[-2:]])
        images.append(tile)
        targets.append(target)
        if len(images) == count:
            break
    return torch.tensor(np.stack(images)), torch.tensor(np.stack(targets))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--crops", type=int, default=160)
    parser.add_argument("--diameter", type=float, default=30)
    parser.add_argument("--dim", type=int, default=48)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--neck", type=int, default=32)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--start", help="checkpoint to go on from")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    images, targets = read_crops(args.data, args.crops, args.diameter, random)
    print(len(images), "crops", flush=True)

    state = torch.load(args.start) if args.start else None
    net = SmallSAM(**read_sizes(state)) if state else SmallSAM(
        dim=args.dim, depth=args.depth, heads=args.dim // 32, neck=args.neck)
    if state:
        net.load_state_dict(state)
    net.train()
    weights = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=args.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.rate, total_steps=args.steps)
    start = time.time()
    for step in range(args.steps):
        chosen = torch.tensor(random.integers(0, len(images), args.batch))
        x, y = images[chosen], targets[chosen].clone()
        if random.random() < 0.5:
            x, y = x.flip(-1), y.flip(-1)
            y[:, 2] *= -1
        if random.random() < 0.5:
            x, y = x.flip(-2), y.flip(-2)
            y[:, 1] *= -1
        out = net.run(x)
        loss = F.mse_loss(out[:, :2], 5 * y[:, 1:]) / 2 + \
            F.binary_cross_entropy_with_logits(out[:, 2], y[:, 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            print(step, round(loss.item(), 3), round(time.time() - start),
                  flush=True)
    torch.save(net.state_dict(), args.out)


main()
