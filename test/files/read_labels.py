"""Read label files that we wrote with each format's own library.

Usage: read_labels.py FOLDER. Prints, as JSON, what each reader found; the
labels are compared with expected.npy.
"""

import json
import sys
from pathlib import Path

import numpy as np
import roifile
import skimage.io
import skimage.measure
import tifffile
import zarr
from pycocotools.coco import COCO
from skimage.draw import polygon2mask

folder = Path(sys.argv[1])
expected = np.load(folder / "expected.npy")
found = {}


def same(name, masks):
    masks = np.asarray(masks)
    found[name] = bool(
        masks.shape == expected.shape and (masks == expected).all())


with tifffile.TiffFile(folder / "a_cp_masks.tif") as tif:
    series = tif.series[0]
    same("tifffile", series.asarray())
    found["tifffile facts"] = {
        "ome": bool(tif.is_ome), "axes": series.axes,
        "dtype": str(series.dtype),
        "compression": tif.pages[0].compression.name}
with tifffile.TiffFile(folder / "volume.tif") as tif:
    found["tifffile volume"] = {
        "axes": tif.series[0].axes, "shape": tif.series[0].shape,
        "same": bool((tif.asarray()
                      == np.load(folder / "volume.npy")).all())}
with tifffile.TiffFile(folder / "planes.tif") as tif:
    found["tifffile floats"] = {
        "axes": tif.series[0].axes, "same": bool(
            (tif.asarray() == np.load(folder / "planes.npy")).all())}
with tifffile.TiffFile(folder / "rgb.tif") as tif:
    found["tifffile rgb"] = {
        "axes": tif.series[0].axes, "same": bool(
            (tif.asarray() == np.load(folder / "rgb.npy")).all())}
same("scikit-image png", skimage.io.imread(folder / "a_cp_masks.png"))
same("scikit-image tif", skimage.io.imread(folder / "a_cp_masks.tif"))
same("numpy", np.load(folder / "a_masks.npy"))

seg = np.load(folder / "a_seg.npy", allow_pickle=True).item()
same("numpy seg", seg["masks"])
edge = expected * (skimage.segmentation.find_boundaries(
    np.pad(expected, 1), connectivity=1, mode="inner")[1:-1, 1:-1])
found["seg outlines"] = bool((seg["outlines"] == edge).all())
found["seg facts"] = {
    "keys": list(seg), "filename": seg["filename"],
    "dtype": str(seg["masks"].dtype), "ismanual": str(seg["ismanual"].dtype),
    "cells": len(seg["ismanual"]), "nan": bool(np.isnan(seg["diameter"])),
    "writable": bool(seg["masks"].flags.writeable)}

# every pixel whose center lies in an odd number of rings
masks = np.zeros_like(expected)
for roi in roifile.roiread(folder / "a_rois.zip"):
    rings = roi.coordinates(multi=True)
    inside = np.zeros(expected.shape, bool)
    for ring in rings if isinstance(rings, list) else [rings]:
        # pixel centers are at integers here, corners of pixels in ImageJ
        inside ^= polygon2mask(expected.shape, ring[:, ::-1] - 0.5)
    masks[inside] = int(roi.name)
same("roifile", masks)

coco = COCO(folder / "a_coco.json")
masks = np.zeros_like(expected)
areas = True
for annotation in coco.loadAnns(coco.getAnnIds()):
    mask = coco.annToMask(annotation).astype(bool)
    masks[mask] = annotation["id"]
    rows, columns = np.nonzero(mask)
    areas &= annotation["area"] == mask.sum() and annotation["bbox"] == [
        columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
same("pycocotools", masks)
found["coco areas and boxes"] = bool(areas)

group = zarr.open_group(str(folder / "a.ome.zarr"), mode="r")
same("zarr-python", group["labels/cells/0"][:])
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader

nodes = list(Reader(parse_url(folder / "a.ome.zarr" / "labels" / "cells"))())
same("ome-zarr", nodes[0].data[0].compute())

group = zarr.open_group(str(folder / "old.ome.zarr"), mode="r", zarr_format=2)
same("zarr-python, Zarr 2", group["labels/cells/0"][:])
nodes = list(Reader(parse_url(folder / "old.ome.zarr" / "labels" / "cells"))())
same("ome-zarr, NGFF 0.4", nodes[0].data[0].compute())

features = json.loads((folder / "a.geojson").read_text())["features"]
masks = np.zeros_like(expected)
for feature in features:
    geometry = feature["geometry"]
    polygons = geometry["coordinates"]
    if geometry["type"] == "Polygon":
        polygons = [polygons]
    inside = np.zeros(expected.shape, bool)
    for ring in (ring for polygon in polygons for ring in polygon):
        assert ring[0] == ring[-1]
        inside ^= polygon2mask(expected.shape,
                               np.array(ring)[:, ::-1] - 0.5)
    masks[inside] = int(feature["properties"]["name"])
same("geojson", masks)
# other libraries print lines of their own
print()
print(json.dumps(found))
