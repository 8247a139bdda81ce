"""Write one image a format and feature, with what a reader must find in it.

Usage: write_images.py FOLDER. Each case is NAME.EXT (a file, or a folder for
Zarr), NAME.npy (the expected array) and NAME.json (axes, pixel size, names).
"""

import json
import sys
from pathlib import Path

import numpy as np
import tifffile
import zarr
from ome_zarr.io import parse_url
from ome_zarr.writer import write_image
from PIL import Image

folder = Path(sys.argv[1])
rng = np.random.default_rng(42)


def sample(shape, dtype):
    """Smooth structure plus noise, using the type's whole range."""
    dtype = np.dtype(dtype)
    if dtype == bool:
        return rng.random(shape) < 0.5
    if dtype.kind == "f":
        return rng.normal(0, 1000, shape).astype(dtype)
    info = np.iinfo(dtype)
    native = dtype.newbyteorder("=")
    values = rng.integers(info.min, info.max, shape, native, endpoint=True)
    values[..., : shape[-1] // 2] //= 7
    return values


def case(name, expected, **facts):
    if expected.dtype == np.float16:
        expected = expected.astype(np.float32)
    np.save(folder / f"{name}.expected.npy", np.ascontiguousarray(expected))
    (folder / f"{name}.json").write_text(json.dumps(facts))


def tiff(name, data, axes, expected=None, facts=None, **options):
    tifffile.imwrite(folder / f"{name}.tif", data, **options)
    case(
        name,
        data if expected is None else expected,
        file=f"{name}.tif",
        axes=axes,
        **(facts or {}),
    )


for dtype in "u1 u2 u4 i1 i2 i4 f4 f8".split():
    tiff(f"strips_{dtype}", sample((37, 53), dtype), "YX", rowsperstrip=7)
tiff("half", sample((20, 30), "f4").astype("f2"), "YX")
for name in "lzw deflate zstd packbits".split():
    data = sample((70, 90), "u2")
    tiff(name, data, "YX", compression=name)
    if name != "packbits":
        tiff(f"{name}_predictor", data, "YX", compression=name, predictor=True)
        tiff(f"{name}_tiles", data, "YX", compression=name, tile=(32, 48))
        tiff(f"{name}_flat", np.zeros((300, 300), "u1"), "YX", compression=name)
tiff("float_predictor", sample((40, 41), "f4"), "YX", compression="deflate",
     predictor=True)
tiff("big_endian", sample((21, 22), "u2"), "YX", byteorder=">")
tiff("bigtiff", sample((21, 22), "u2"), "YX", bigtiff=True)
tiff("bigtiff_tiles", sample((100, 130), "f4"), "YX", bigtiff=True,
     tile=(32, 32), compression="deflate")
tiff("rgb", sample((30, 40, 3), "u1"), "YXC", photometric="rgb")
tiff("rgb16_planar", np.moveaxis(sample((30, 40, 3), "u2"), -1, 0), "YXC",
     photometric="rgb", planarconfig="separate", metadata=None)
case("rgb16_planar",
     np.moveaxis(tifffile.imread(folder / "rgb16_planar.tif"), 0, -1),
     file="rgb16_planar.tif", axes="YXC")
tiff("pages", sample((6, 21, 22), "u2"), "ZYX", metadata=None,
     facts={"inferred": True})
tiff("shaped", sample((2, 6, 21, 22), "u2"), "TZYX", metadata={"axes": "TZYX"})
tiff("ome", sample((2, 3, 4, 21, 22), "u2"), "TCZYX", ome=True,
     metadata={"axes": "TCZYX", "PhysicalSizeX": 0.25,
               "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 250,
               "PhysicalSizeYUnit": "nm", "PhysicalSizeZ": 0.001,
               "PhysicalSizeZUnit": "mm",
               "Channel": {"Name": ["DAPI", "GFP <a>", "Cy5"]}},
     facts={"pixelSize": {"z": 1, "y": 0.25, "x": 0.25},
            "channelNames": ["DAPI", "GFP <a>", "Cy5"]})
stack = sample((4, 3, 21, 22), "u1")
tiff("ome_zcyx", stack, "CZYX", expected=np.swapaxes(stack, 0, 1), ome=True,
     metadata={"axes": "ZCYX"})
tiff("ome_rgb", sample((4, 21, 22, 3), "u1"), "ZYXC", ome=True,
     photometric="rgb", metadata={"axes": "ZYXS"})
tiff("ome_pyramid", sample((64, 64), "u2"), "YX", ome=True,
     metadata={"axes": "YX"})
with tifffile.TiffWriter(folder / "ome_pyramid.tif", ome=True) as writer:
    level = sample((64, 64), "u2")
    writer.write(level, subifds=1, metadata={"axes": "YX"})
    writer.write(level[::2, ::2], subfiletype=1)
case("ome_pyramid", level, file="ome_pyramid.tif", axes="YX")
# one file a time, that name one another
stack = sample((3, 2, 21, 22), "u2")
names = [f"set_t{t}.ome.tif" for t in range(3)]
ids = [f"urn:uuid:00000000-0000-0000-0000-00000000000{t}" for t in range(3)]
data = "".join(
    f'<TiffData FirstT="{t}" FirstC="{c}" IFD="{c}" PlaneCount="1">'
    f'<UUID FileName="{names[t]}">{ids[t]}</UUID></TiffData>'
    for t in range(3) for c in range(2))
for t in range(3):
    tifffile.imwrite(
        folder / names[t], stack[t], metadata=None,
        description='<?xml version="1.0" encoding="UTF-8"?><OME xmlns='
        '"http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="'
        f'{ids[t]}"><Image ID="Image:0"><Pixels ID="Pixels:0" Type="uint16" '
        'DimensionOrder="XYCZT" SizeX="22" SizeY="21" SizeC="2" SizeZ="1" '
        'SizeT="3"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
        '<Channel ID="Channel:0:1" SamplesPerPixel="1"/>'
        f'{data}</Pixels></Image></OME>')
series = tifffile.imread(folder / names[1])
assert (series == stack).all()
case("ome_set", series, file=names[1], axes="TCYX")
stack = sample((2, 4, 3, 21, 22), "u2")
tiff("imagej", stack, "TCZYX", expected=np.swapaxes(stack, 1, 2), imagej=True,
     resolution=(4, 4),
     metadata={"axes": "TZCYX", "unit": "um", "spacing": 2.0},
     facts={"pixelSize": {"z": 2, "y": 0.25, "x": 0.25}})
tiff("imagej_stack", sample((5, 21, 22), "f4"), "ZYX", imagej=True,
     metadata={"axes": "ZYX"})
for order in "<>":
    # as ImageJ writes above 4 GB: one directory, planes one after the other
    name = "imagej_one_directory_" + ("little" if order == "<" else "big")
    stack = sample((6, 21, 22), "u2")
    tifffile.imwrite(folder / f"{name}.tif", stack[0], byteorder=order,
                     metadata=None,
                     description="ImageJ=1.54f\nimages=6\nchannels=2\n"
                     "slices=3\nhyperstack=true\n")
    with open(folder / f"{name}.tif", "r+b") as file, \
            tifffile.TiffFile(folder / f"{name}.tif") as tif:
        file.seek(tif.pages[0].dataoffsets[0])
        assert file.read() == stack[0].astype(order + "u2").tobytes()
        file.write(stack[1:].astype(order + "u2").tobytes())
    case(name, np.swapaxes(stack.reshape(3, 2, 21, 22), 0, 1),
         file=f"{name}.tif", axes="CZYX")
tiff("centimeters", sample((21, 22), "u1"), "YX", resolution=(20000, 10000),
     resolutionunit="CENTIMETER",
     facts={"pixelSize": {"y": 1, "x": 0.5}})
tiff("print", sample((21, 22), "u1"), "YX", resolution=(300, 300),
     resolutionunit="INCH")
# quality 100, no subsampling: decoders agree within rounding
gray = np.clip(np.add.outer(np.arange(64) * 2, np.arange(80)), 0, 255)
tiff("jpeg_gray", gray.astype("u1"), "YX", compression="jpeg",
     compressionargs={"level": 100}, facts={"tolerance": 2})
colors = np.stack([gray, gray[::-1], 255 - gray], -1).astype("u1")
for name, photometric, subsampling, tolerance in [
    ("jpeg_ycbcr", "ycbcr", (1, 1), 2),
    # chroma of half the size is repeated here, interpolated in libjpeg
    ("jpeg_half_chroma", "ycbcr", (2, 2), 8),
    ("jpeg_rgb_samples", "rgb", None, 8),
]:
    path = folder / f"{name}.tif"
    tifffile.imwrite(path, colors, photometric=photometric, compression="jpeg",
                     compressionargs={"level": 98}, subsampling=subsampling,
                     tile=(32, 16))
    case(name, tifffile.imread(path), file=path.name, axes="YXC",
         tolerance=tolerance)

for name, data, mode in [
    ("png_gray8", sample((33, 44), "u1"), "L"),
    ("png_gray16", sample((33, 44), "u2"), "I;16"),
    ("png_rgb", sample((33, 44, 3), "u1"), "RGB"),
    ("png_rgba", sample((33, 44, 4), "u1"), "RGBA"),
]:
    Image.fromarray(data).save(folder / f"{name}.png")
    case(name, data, file=f"{name}.png", axes="YX" if data.ndim == 2 else "YXC")
smooth = np.stack([gray, gray[::-1], 255 - gray], -1).astype("u1")
for name, data in [("jpeg_l", gray.astype("u1")), ("jpeg_rgb", smooth)]:
    for kind, options in [("base", {}), ("progressive", {"progressive": True})]:
        path = folder / f"{name}_{kind}.jpg"
        Image.fromarray(data).save(path, quality=90, **options)
        case(f"{name}_{kind}", np.asarray(Image.open(path)), file=path.name,
             axes="YX" if data.ndim == 2 else "YXC", tolerance=1)
alpha = np.dstack([smooth, np.full((64, 80), 200, "u1")])
for name, data, options in [
    ("webp_lossless", smooth, {"lossless": True}),
    ("webp_lossy", smooth, {"quality": 80}),
    ("webp_alpha", alpha, {"lossless": True}),
]:
    path = folder / f"{name}.webp"
    Image.fromarray(data).save(path, exact=True, **options)
    case(name, np.asarray(Image.open(path)), file=path.name, axes="YXC")

for dtype in "u1 u2 u4 i8 f4 f8 f2 b1 >u2 >f4".split():
    name = "npy_" + dtype.replace(">", "big_")
    data = sample((19, 23), dtype if dtype != "i8" else "i4").astype(dtype)
    np.save(folder / f"{name}.npy", data)
    case(name, data.astype(data.dtype.newbyteorder("=")), file=f"{name}.npy",
         axes="YX")
data = sample((19, 23, 3), "u1")
np.save(folder / "npy_fortran.npy", np.asfortranarray(data))
case("npy_fortran", data, file="npy_fortran.npy", axes="YXC", inferred=True)
np.savez(folder / "npz.npz", masks=sample((8, 9), "u2"))
case("npz", np.load(folder / "npz.npz")["masks"], file="npz.npz", axes="YX")
np.savez_compressed(folder / "npz_deflate.npz", a=data[..., 0], b=data[..., 1])
case("npz_deflate", data[..., 0], file="npz_deflate.npz", axes="YX", warned=True)

for version in (2, 3):
    data = sample((3, 50, 61), "u2")
    path = folder / f"zarr_v{version}.zarr"
    array = zarr.create_array(
        str(path), shape=data.shape, chunks=(1, 32, 32), dtype=data.dtype,
        zarr_format=version,
        **({"dimension_names": ["c", "y", "x"]} if version == 3 else {}))
    array[:] = data
    case(f"zarr_v{version}", data, file=path.name, axes="CYX",
         **({} if version == 3 else {"inferred": True}))
from numcodecs import LZ4, Blosc, GZip, Zlib, Zstd

for codec in [Blosc(), Zlib(), GZip(), LZ4(), Zstd()]:
    path = folder / f"zarr_{codec.codec_id}.zarr"
    array = zarr.create_array(str(path), shape=(50, 61), chunks=(32, 32),
                              dtype="u2", zarr_format=2, compressors=codec)
    array[:] = data[0]
    case(path.stem, data[0], file=path.name, axes="YX")
path = folder / "zarr_sharded.zarr"
array = zarr.create_array(str(path), shape=(64, 64), chunks=(16, 16),
                          shards=(32, 32), dtype="f4")
array[:] = sample((64, 64), "f4")
case("zarr_sharded", array[:], file=path.name, axes="YX")

from ome_zarr.format import FormatV04, FormatV05

for fmt in (FormatV04(), FormatV05()):
    name = f"ngff_{fmt.version.replace('.', '')}"
    data = sample((2, 4, 40, 44), "u2")
    store = parse_url(folder / f"{name}.zarr", mode="w", fmt=fmt).store
    root = zarr.group(store=store, overwrite=True,
                      zarr_format=2 if fmt.version == "0.4" else 3)
    write_image(image=data, group=root, fmt=fmt, axes="czyx")
    # the writer has no parameter for units
    attributes = dict(root.attrs)
    image = attributes.get("ome", attributes)["multiscales"][0]
    for axis in image["axes"][1:]:
        axis["unit"] = "micrometer"
    scales = image["datasets"][0]["coordinateTransformations"]
    scales[0]["scale"] = [1.0, 2.0, 0.5, 0.25]
    root.attrs.update(attributes)
    case(name, data, file=f"{name}.zarr", axes="CZYX",
         pixelSize={"z": 2, "y": 0.5, "x": 0.25})
