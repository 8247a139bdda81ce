"""A Cellpose 3 U-Net of any width, made of Cellpose's own class.

Python packages: cellpose 3.1.1.2 (torch, numpy).
"""

import numpy as np
import torch
from cellpose import models, resnet_torch

# Cellpose 3's eval and train_size keep styles in rows of this length
STYLE = 256


class SmallCPnet(resnet_torch.CPnet):
    """CPnet whose style is filled up with zeros to the peer's length."""

    def forward(self, data):
        output, style, maps = super().forward(data)
        missing = STYLE - style.shape[1]
        return output, torch.nn.functional.pad(style, (0, missing)), maps


def build(widths, outputs=3):
    """A network of these widths, two channels in."""
    return SmallCPnet([2, *widths], outputs, sz=3)


def read_widths(state):
    """Widths of a checkpoint's network."""
    name = "downsample.down.res_down_{}.proj.1.weight"
    widths = []
    while name.format(len(widths)) in state:
        widths.append(state[name.format(len(widths))].shape[0])
    return widths


def load_peer(path, size=None):
    """Cellpose's model around a small checkpoint, fp32, processor.

    With the path of a size model: the class that estimates diameters first.
    """
    state = torch.load(path, map_location="cpu")
    net = build(read_widths(state), state["output.2.weight"].shape[0])
    net.load_state_dict(state)
    net.eval()
    model = models.CellposeModel.__new__(models.CellposeModel)
    model.device, model.gpu = torch.device("cpu"), False
    model.net, model.net_ortho, model.nchan = net, None, 2
    model.diam_mean = float(state["diam_mean"][0])
    model.diam_labels = float(state["diam_labels"][0])
    model.pretrained_model, model.timing = path, []
    if size is None:
        return model
    both = models.Cellpose.__new__(models.Cellpose)
    both.cp, both.pretrained_size = model, size
    both.device, both.diam_mean = model.device, model.diam_mean
    both.sz = models.SizeModel(model, pretrained_size=pad_size(path, size))
    return both


def pad_size(path, size):
    """Write a size model whose vectors have the peer's length, beside `path`."""
    params = np.load(size, allow_pickle=True).item()
    for name in ["A", "smean"]:
        missing = STYLE - len(params[name])
        params[name] = np.pad(params[name], (0, missing))
    padded = f"{path}_padded_size.npy"
    np.save(padded, params)
    return padded
