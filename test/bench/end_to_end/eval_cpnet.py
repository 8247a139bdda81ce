"""Run Cellpose 3's eval in fp32 with a small U-Net.

python eval_cpnet.py CHECKPOINT OUT CASES.json [SIZE_MODEL.npy]

CASES: [{"name": …, "image": path, "crop": [height, width] or null,
         "options": {…}}]; options are eval's. With a size model, cases without
a diameter are run by the class that estimates one.
OUT gets NAME_image.npy, NAME_masks.npy, NAME_dP.npy, NAME_cellprob.npy,
times.json (seconds of eval) and diameters.json (the diameter of each case, and
that of its style alone).
"""

import json
import pathlib
import sys
import time

import numpy as np
import torch
from cellpose import io
from small_cpnet import load_peer


def main():
    checkpoint, out, cases = sys.argv[1:4]
    size = sys.argv[4] if len(sys.argv) > 4 else None
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(2)
    model = load_peer(checkpoint)
    both = None if size is None else load_peer(checkpoint, size)
    times, diameters = {}, {}
    for case in json.loads(pathlib.Path(cases).read_text()):
        image = io.imread(case["image"])
        if case.get("crop"):
            image = image[:case["crop"][0], :case["crop"][1]]
        image = np.ascontiguousarray(image)
        name, options = case["name"], case["options"]
        # the class that estimates has a default diameter of 30
        options = {"channels": [0, 0], "diameter": None, **options}
        start = time.time()
        if both is not None and not options.get("diameter"):
            found, styled = both.sz.eval(
                image.copy(), channels=options["channels"])
            masks, flows, _, diameter = both.eval(image.copy(), **options)
            assert found == diameter
            diameters[name] = [float(diameter), float(np.squeeze(styled))]
        else:
            masks, flows, _ = model.eval(image.copy(), **options)
        times[name] = time.time() - start
        np.save(out / f"{name}_image.npy", image)
        np.save(out / f"{name}_masks.npy", masks)
        np.save(out / f"{name}_dP.npy", flows[1])
        np.save(out / f"{name}_cellprob.npy", flows[2])
        print(name, image.shape, masks.max(), diameters.get(name),
              round(times[name], 2), flush=True)
    (out / "times.json").write_text(json.dumps(times))
    (out / "diameters.json").write_text(json.dumps(diameters))


main()
