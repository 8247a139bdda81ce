"""Train a small Cellpose 3 U-Net and its size model by Cellpose's own code.

python train_small_cpnet.py DATA OUT.pth [--epochs 40] [--widths 8,16,24,32]

For comparing, not for use. DATA holds NAME.png and NAME_labels.png. OUT.pth
and OUT.pth_size.npy are written. Python packages: cellpose 3.1.1.2.
"""

import argparse
import pathlib

import cv2
import numpy as np
import torch
from cellpose import train
from small_cpnet import build, read_widths


def read_data(folder, count, random):
    """Grayscale images and labels with ten cells or more."""
    paths = sorted(pathlib.Path(folder).glob("*_labels.png"))
    random.shuffle(paths)
    images, labels = [], []
    for path in paths:
        label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        name = path.name.replace("_labels.png", ".png")
        image = cv2.imread(str(path.with_name(name)), cv2.IMREAD_UNCHANGED)
        if label is None or image is None or label.ndim != 2:
            continue
        if label.max() < 10 or max(label.shape) > 1100:
            continue
        if image.ndim == 3:
            image = image[..., :3].mean(axis=-1)
        images.append(image.astype(np.float32))
        labels.append(label.astype(np.int32))
        if len(images) == count:
            break
    return images, labels


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--images", type=int, default=80)
    parser.add_argument("--widths", default="8,16,24,32")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    images, labels = read_data(
        args.data, args.images, np.random.default_rng(0))
    pathlib.Path(args.out + "_train").mkdir(exist_ok=True)
    net = build([int(width) for width in args.widths.split(",")])
    train.train_seg(
        net, images, labels, channels=[0, 0], n_epochs=args.epochs,
        learning_rate=0.005, batch_size=8, save_path=args.out + "_train",
        save_every=10**9, model_name="small", min_train_masks=5)
    torch.save(net.state_dict(), args.out)
    params = train.train_size(
        net, args.out, images, labels, channels=[0, 0], n_epochs=4,
        batch_size=8, bsize=256)
    used = read_widths(net.state_dict())[-1]
    for name in ["A", "smean"]:
        params[name] = params[name][:used]
    np.save(args.out + "_size.npy", params)


main()
