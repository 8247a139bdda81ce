"""Write label files with each format's own library, for our readers.

Usage: write_labels.py FOLDER: labels.npy there is written in other formats.
"""

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import roifile
import skimage.io
import skimage.measure
import tifffile
import zarr
from pycocotools import mask as rle

folder = Path(sys.argv[1])
labels = np.load(folder / "labels.npy").astype(np.uint16)
ids = np.unique(labels)[1:]

tifffile.imwrite(folder / "tifffile_masks.tif", labels, compression="zlib")
skimage.io.imsave(folder / "skimage_masks.png", labels, check_contrast=False)
np.save(folder / "int64_masks.npy", labels.astype(np.int64))
np.savez_compressed(folder / "npz_masks.npz", labels)
for protocol in range(2, 6):
    # np.save writes protocol 4; older versions wrote 2 and 3
    path = folder / f"protocol{protocol}_seg.npy"
    content = {
        "outlines": labels * 0, "masks": labels, "filename": Path("a/b.png"),
        "chan_choose": [0, 0], "ismanual": np.zeros(len(ids), bool),
        "flows": [labels.astype("f4"), [], np.zeros((3, 4, 5), "f2")],
        "diameter": np.float64(17.5), "ratio": 1.0, "big": 2**70,
        "nested": {"a": (1, 2.5, None, True, "ä", b"x")}}
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {
            "descr": "|O", "fortran_order": False, "shape": ()})
        pickle.dump(np.array(content, dtype=object), file, protocol=protocol)
np.save(folder / "old_seg.npy",
        {"masks": labels.astype(np.int32) - 1, "outlines": []})



def pack(mask):
    return rle.encode(np.asfortranarray(mask))["counts"].decode()


def count_runs(mask):
    """Plain run lengths, columns first, background first."""
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return [0] + runs if flat[0] else runs


rois, annotations = [], []
for i, label in enumerate(ids):
    mask = labels == label
    annotations.append({
        "id": int(label), "image_id": 1, "category_id": 1,
        "segmentation": {
            "size": list(labels.shape),
            "counts": pack(mask) if i % 2 else count_runs(mask)}})
(folder / "pycocotools_coco.json").write_text(json.dumps({
    "images": [{"id": 1, "height": labels.shape[0],
                "width": labels.shape[1]}],
    "annotations": annotations}))

# rectangles, as corners in each library's spelling
boxes = {}
for i, label in enumerate(ids):
    y0, x0, y1, x1 = (3 * i, 2 * i, 3 * i + 2, 2 * i + 5)
    boxes[int(label)] = [y0, x0, y1, x1]
    ring = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    roi = roifile.ImagejRoi.frompoints(
        ring.astype("f4") if i % 3 == 0 else ring, name=str(label))
    if i % 3 == 1:
        roi = roifile.ImagejRoi()
        roi.roitype = roifile.ROI_TYPE.RECT
        roi.left, roi.top, roi.right, roi.bottom = x0, y0, x1, y1
        roi.name = str(label)
    rois.append(roi)
(folder / "boxes.json").write_text(json.dumps(boxes))
roifile.roiwrite(folder / "roifile_rois.zip", rois, mode="w")

zarr.save(str(folder / "plain.zarr"), labels)
