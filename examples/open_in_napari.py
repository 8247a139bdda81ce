"""Show an image with its labels in napari.

    pip install "napari[all]" tifffile
    python open_in_napari.py IMAGE [MASKS]

MASKS is IMAGE's _cp_masks.tif or .png beside it, unless given; a volume is
shown with the distances of its slices.
"""

import re
import sys
from pathlib import Path

import napari
import tifffile
from skimage.io import imread

image = Path(sys.argv[1])
stem = re.sub(r"\.(ome\.tiff?|tiff?|png|jpe?g|webp)$", "", image.name, flags=re.I)
beside = [image.with_name(f"{stem}_cp_masks{end}") for end in (".tif", ".png")]
masks = (Path(sys.argv[2]) if len(sys.argv) > 2
         else next((path for path in beside if path.exists()), None))
if masks is None:
    sys.exit(f"There is no {beside[0]}")

labels = imread(masks)
scale = None
if masks.suffix == ".tif":
    with tifffile.TiffFile(masks) as tif:
        # micrometers, from the OME metadata that the file carries
        text = tif.ome_metadata or ""
    sizes = dict(re.findall(r'PhysicalSize([XYZ])="([\d.e-]+)"', text))
    if "X" in sizes and "Y" in sizes:
        scale = [float(sizes.get(axis, 1)) for axis in "ZYX"[-labels.ndim:]]
viewer = napari.Viewer()
pixels = imread(image)
is_rgb = pixels.ndim == labels.ndim + 1 and pixels.shape[-1] in (3, 4)
viewer.add_image(pixels, rgb=is_rgb, scale=scale)
viewer.add_labels(labels.astype(int), name="cells", scale=scale)
napari.run()
