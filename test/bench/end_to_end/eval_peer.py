"""Run Cellpose's eval in fp32 with a small checkpoint.

python eval_peer.py CHECKPOINT OUT CASES.json

CASES: [{"name": …, "image": path, "crop": [height, width] or null,
         "options": {…}}]; options are eval's.
OUT gets NAME_image.npy, NAME_masks.npy, NAME_dP.npy, NAME_cellprob.npy and
times.json (seconds of eval for each case).
"""

import json
import pathlib
import sys
import time

import numpy as np
import torch
from cellpose import io
from small_sam import load_peer


def main():
    checkpoint, out, cases = sys.argv[1:]
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(2)
    model = load_peer(checkpoint)
    times = {}
    for case in json.loads(pathlib.Path(cases).read_text()):
        image = io.imread(case["image"])
        if case.get("crop"):
            image = image[:case["crop"][0], :case["crop"][1]]
        image = np.ascontiguousarray(image)
        start = time.time()
        masks, flows, _ = model.eval(image.copy(), **case["options"])
        name = case["name"]
        times[name] = time.time() - start
        np.save(out / f"{name}_image.npy", image)
        np.save(out / f"{name}_masks.npy", masks)
        np.save(out / f"{name}_dP.npy", flows[1])
        np.save(out / f"{name}_cellprob.npy", flows[2])
        print(name, image.shape, masks.max(), round(times[name], 2), flush=True)
    (out / "times.json").write_text(json.dumps(times))


main()
