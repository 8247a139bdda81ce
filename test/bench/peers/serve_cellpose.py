"""A FastAPI server around Cellpose, as a laboratory would write one.

    python serve_cellpose.py PORT CHECKPOINT

GET /healthz, GET /usage: JSON, no model. POST /scores: two label images as
files, scored by Cellpose's own metrics. POST /previews: an image as a file,
through Cellpose's network in its tiles; no masks, since the checkpoint's weights
are random and its flows noise. Without keys, storage and queue.
"""

import sys

import cv2
import numpy as np
import uvicorn
from cellpose import metrics, models
from fastapi import FastAPI, UploadFile

app = FastAPI()
model = models.CellposeModel(gpu=False, pretrained_model=sys.argv[2])


@app.get("/healthz")
async def healthz():
    return {"status": "ok"}


@app.get("/usage")
async def usage():
    return {"days": [], "currency": "USD"}


async def decode(file: UploadFile):
    data = np.frombuffer(await file.read(), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_UNCHANGED)


@app.post("/previews")
async def previews(image: UploadFile):
    pixels = await decode(image)
    _, (_, flow, cellprob, *_), _ = model.eval(pixels, compute_masks=False)
    return {
        "size": pixels.shape[:2],
        "flow": list(np.shape(flow)),
        "cellprob": list(np.shape(cellprob)),
    }


@app.post("/scores")
async def scores(truth: UploadFile, prediction: UploadFile):
    true, found = [
        (await decode(each)).astype(np.int32) for each in (truth, prediction)
    ]
    ap, tp, fp, fn = metrics.average_precision(
        true, found, threshold=[0.5, 0.75, 0.9]
    )
    aji = metrics.aggregated_jaccard_index([true], [found])
    precision, recall, f = metrics.boundary_scores([true], [found], [1, 2])
    return {
        "ap": ap.tolist(),
        "tp": tp.tolist(),
        "fp": fp.tolist(),
        "fn": fn.tolist(),
        "aji": aji.tolist(),
        "boundary": [precision.tolist(), recall.tolist(), f.tolist()],
    }


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
