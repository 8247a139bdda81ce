"""Segment an image with requests: upload, job, results.

CYTOEDGE_URL=http://127.0.0.1:8000 CYTOEDGE_KEY=ce_... \
    python examples/segment.py IMAGE [FOLDER] [PARAMETERS as JSON]
"""

import hashlib
import json
import os
import sys
from pathlib import Path

import requests

image = Path(sys.argv[1])
folder = Path(sys.argv[2] if len(sys.argv) > 2 else ".")
parameters = json.loads(sys.argv[3] if len(sys.argv) > 3 else "{}")
url = os.environ["CYTOEDGE_URL"] + "/v1"
session = requests.Session()
session.headers["authorization"] = f"Bearer {os.environ['CYTOEDGE_KEY']}"


def call(method, path, **options):
    answer = session.request(method, url + path, timeout=60, **options)
    if not answer.ok:
        sys.exit(answer.text)
    return answer


# announce the file, then send exactly what was announced
content = image.read_bytes()
upload = call("POST", "/uploads", json={
    "name": image.name,
    "bytes": len(content),
    "sha256": hashlib.sha256(content).hexdigest(),
}).json()
put = upload["put"]
requests.put(put["url"], data=content, headers=put["headers"],
             timeout=600).raise_for_status()

# a job; its events end when it does
job = call("POST", "/jobs", json={
    "images": [{"upload": upload["id"]}],
    "parameters": parameters,
    "outputs": ["tif", "csv"],
}).json()
for line in call("GET", f"/jobs/{job['id']}/events", stream=True).iter_lines():
    if line.startswith(b"data:"):
        print(line.decode(), file=sys.stderr)
state = call("GET", f"/jobs/{job['id']}").json()
if state["state"] != "succeeded":
    sys.exit(state["error"])

# each file has a URL of its own, for some minutes
result = call("GET", f"/jobs/{job['id']}/results").json()["images"][0]
folder.mkdir(parents=True, exist_ok=True)
for name, signed in result["files"].items():
    file = requests.get(signed["url"], timeout=600)
    file.raise_for_status()
    (folder / name).write_bytes(file.content)
print(f"{image.name}: {result['count']} cells")
