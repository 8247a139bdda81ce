"""Exchange label files with Cellpose's own readers and writers.

Usage: cellpose_files.py FOLDER. Reads what we wrote (a_*) by Cellpose's
functions, its interface's loader included, and writes c_* from expected.npy
by its writers. Prints what it found as JSON.
"""

import json
import sys
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
from cellpose import io, utils
from cellpose.gui import io as interface

folder = Path(sys.argv[1])
expected = np.load(folder / "expected.npy")
found = {}


def same(name, masks):
    masks = np.asarray(masks).squeeze()
    found[name] = bool(
        masks.shape == expected.shape and (masks == expected).all())


same("imread tif", io.imread(str(folder / "a_cp_masks.tif")))
same("imread png", io.imread(str(folder / "a_cp_masks.png")))
same("imread seg", io.imread(str(folder / "a_seg.npy")))
files, flows = io.get_label_files([str(folder / "a.png")], "_seg.npy")
same("get_label_files seg", io.imread(files[0]))


class Cells:
    """The interface's counter of cells."""

    def __init__(self):
        self.value = 0

    def set(self, value):
        self.value = int(value)

    def get(self):
        return self.value

    def __gt__(self, other):
        return self.value > other

    def __eq__(self, other):
        return self.value == other


# the interface without its windows: what it keeps is what is looked at
parent = MagicMock()
parent.ncells = Cells()
parent.colormap = np.ones((100000, 4), np.uint8)
parent.NZ = 1
interface._initialize_images = lambda *args, **kwargs: None
interface._load_seg(parent, filename=str(folder / "a_seg.npy"),
                    image=expected, image_file="a.png")
found["interface loaded"] = bool(parent.loaded)
found["interface cells"] = parent.ncells.get()
labels, numbers = np.unique(expected, return_inverse=True)
found["interface masks"] = bool(
    (parent.cellpix[0] > 0).sum() == (expected > 0).sum()
    and all(len(np.unique(parent.cellpix[0][expected == k])) == 1
            for k in labels))
found["interface flows"] = [list(flow.shape) for flow in parent.flows]
found["interface recompute"] = bool(parent.recompute_masks)

lines = (folder / "a_cp_outlines.txt").read_text().split("\n")[:-1]
theirs = [",".join(map(str, o.flatten()))
          for o in utils.outlines_list(expected)]
found["outlines text"] = bool(lines == theirs)

image = (expected % 251).astype(np.uint8)
zeros = np.zeros(expected.shape, np.float32)
flow = [np.zeros(expected.shape + (3,), np.uint8), np.stack([zeros, zeros]),
        zeros]
io.masks_flows_to_seg(image, expected, flow, str(folder / "c.png"))
io.save_masks(image, expected, flow, str(folder / "c.png"), png=True,
              tif=True, savedir=str(folder))
print()
print(json.dumps(found))
