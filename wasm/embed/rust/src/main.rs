//! Segments a case with the core, in wasmtime. Run: cargo run
use std::fs;

use sha2::{Digest, Sha256};
use wasmtime::{Engine, Instance, Memory, Module, Result, Store, TypedFunc, bail, format_err};

const HEIGHT: u32 = 224;
const WIDTH: u32 = 256;

/// niter, cellprob threshold, flow threshold, min size, max size fraction,
/// flags; then five numbers that the core writes (docs/abi.md).
fn default_settings() -> [u8; 44] {
    let fields = [
        200_i32.to_le_bytes(),
        0_f32.to_le_bytes(),
        0.4_f32.to_le_bytes(),
        15_i32.to_le_bytes(),
        0.4_f32.to_le_bytes(),
    ];
    let mut settings = [0; 44];
    settings[..20].copy_from_slice(&fields.concat());
    settings
}

/// masks, flows, cellprob, depth, height, width, settings → cells
type ComputeMasks = TypedFunc<(u32, u32, u32, u32, u32, u32, u32), i32>;

/// One instance of the module and its memory.
struct Core {
    store: Store<()>,
    memory: Memory,
    mark: TypedFunc<(), u32>,
    release: TypedFunc<u32, ()>,
    allocate: TypedFunc<u32, u32>,
    compute_masks: ComputeMasks,
}

fn main() -> Result<()> {
    let mut core = Core::load("../../dist/core.wasm")?;
    let flows = fs::read("../case/flows.f32")?;
    let cellprob = fs::read("../case/cellprob.f32")?;
    let (masks, count) = core.compute_masks(&flows, &cellprob)?;
    println!("{:x} {count} cells", Sha256::digest(&masks));
    Ok(())
}

impl Core {
    fn load(path: &str) -> Result<Self> {
        let engine = Engine::default();
        let module = Module::new(&engine, fs::read(path)?)?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        Ok(Core {
            memory: instance
                .get_memory(&mut store, "memory")
                .ok_or_else(|| format_err!("no memory"))?,
            mark: instance.get_typed_func(&mut store, "mark")?,
            release: instance.get_typed_func(&mut store, "release")?,
            allocate: instance.get_typed_func(&mut store, "allocate")?,
            compute_masks: instance.get_typed_func(&mut store, "computeMasks")?,
            store,
        })
    }

    /// 2×H×W f32 flows (dY, dX) and H×W f32 cell probabilities (logit) →
    /// H×W u32 masks, all little-endian, and the number of cells.
    fn compute_masks(&mut self, flows: &[u8], cellprob: &[u8]) -> Result<(Vec<u8>, i32)> {
        let start = self.mark.call(&mut self.store, ())?;
        let result = self.run(flows, cellprob);
        self.release.call(&mut self.store, start)?;
        result
    }

    fn run(&mut self, flows: &[u8], cellprob: &[u8]) -> Result<(Vec<u8>, i32)> {
        let mut masks = vec![0; 4 * (HEIGHT * WIDTH) as usize];
        let masks_at = self.reserve(masks.len())?;
        let flows_at = self.put(flows)?;
        let cellprob_at = self.put(cellprob)?;
        let settings_at = self.put(&default_settings())?;
        // an image is a volume of depth 1
        let arguments = (
            masks_at,
            flows_at,
            cellprob_at,
            1,
            HEIGHT,
            WIDTH,
            settings_at,
        );
        let count = self.compute_masks.call(&mut self.store, arguments)?;
        if count < 0 {
            bail!("computeMasks returned {count}");
        }
        self.memory
            .read(&self.store, masks_at as usize, &mut masks)?;
        Ok((masks, count))
    }

    /// Copies data into the module's memory.
    fn put(&mut self, data: &[u8]) -> Result<u32> {
        let at = self.reserve(data.len())?;
        self.memory.write(&mut self.store, at as usize, data)?;
        Ok(at)
    }

    fn reserve(&mut self, bytes: usize) -> Result<u32> {
        match self.allocate.call(&mut self.store, bytes.try_into()?)? {
            0 => bail!("the core cannot allocate {bytes} bytes"),
            at => Ok(at),
        }
    }
}
