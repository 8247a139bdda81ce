"""A FastAPI server around Cellpose, as a laboratory would write one.

    python serve_cellpose.py PORT

GET /healthz, GET /usage: JSON, no model. POST /scores: two label images as
files, scored by Cellpose's own metrics. Without keys, storage and queue.
"""

import sys

import cv2
import numpy as np
import uvicorn
from cellpose import metrics
from fastapi import FastAPI, UploadFile

app = FastAPI()


@app.get("/healthz")
async def healthz():
    return {"status": "ok"}


@app.get("/usage")
async def usage():
    return {"days": [], "currency": "USD"}


@app.post("/scores")
async def scores(truth: UploadFile, prediction: UploadFile):
    true, found = [
        cv2.imdecode(
            np.frombuffer(await each.read(), np.uint8), cv2.IMREAD_UNCHANGED
        ).astype(np.int32)
        for each in (truth, prediction)
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
