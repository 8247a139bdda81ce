"""pip install wasmtime==50.0.1 && python main.py"""

import hashlib
import struct
from pathlib import Path

from wasmtime import Instance, Module, Store

HERE = Path(__file__).parent
HEIGHT, WIDTH = 224, 256

# niter, cellprob threshold, flow threshold, min size, max size fraction, flags;
# then five numbers that the core writes (docs/abi.md)
SETTINGS = struct.pack("<iffifi20x", 200, 0.0, 0.4, 15, 0.4, 0)


class Core:
    """One instance of the module and its memory."""

    def __init__(self, path: Path):
        self.store = Store()
        module = Module.from_file(self.store.engine, str(path))
        self.exports = Instance(self.store, module, []).exports(self.store)
        self.memory = self.exports["memory"]

    def call(self, name: str, *arguments: int) -> int:
        return self.exports[name](self.store, *arguments)

    def allocate(self, size: int) -> int:
        at = self.call("allocate", size) & 0xFFFFFFFF  # addresses are unsigned
        if at == 0:
            raise MemoryError(f"the core cannot allocate {size} bytes")
        return at

    def put(self, data: bytes) -> int:
        at = self.allocate(len(data))
        self.memory.write(self.store, data, at)
        return at

    def compute_masks(
        self, flows: bytes, cellprob: bytes, height: int, width: int
    ) -> tuple[bytes, int]:
        """2×H×W f32 (dY, dX) and H×W f32 logit -> H×W u32 masks, cells."""
        start = self.call("mark")
        try:
            size = 4 * height * width
            masks = self.allocate(size)
            inputs = self.put(flows), self.put(cellprob)
            settings = self.put(SETTINGS)
            # an image is a volume of depth 1
            count = self.call(
                "computeMasks", masks, *inputs, 1, height, width, settings
            )
            if count < 0:
                raise RuntimeError(f"computeMasks returned {count}")
            return bytes(self.memory.read(self.store, masks, masks + size)), count
        finally:
            self.call("release", start)


core = Core(HERE / "../../dist/core.wasm")
masks, count = core.compute_masks(
    (HERE / "../case/flows.f32").read_bytes(),
    (HERE / "../case/cellprob.f32").read_bytes(),
    HEIGHT,
    WIDTH,
)
print(hashlib.sha256(masks).hexdigest(), f"{count} cells")
