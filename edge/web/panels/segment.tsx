/**
 * Preview, with full resolution and parameters below it.
 *
 * @module
 */
import { previewPlane } from "../actions/preview.ts";
import {
  type Doc,
  doc,
  docs,
  models,
  parameters,
  runsIn,
  runsOn,
  tell,
  usesGpu,
} from "../store.ts";
import { type CodeKind, writeCode } from "./code.ts";
import { JobSection } from "./job.tsx";
import { Check, Choice, Section } from "./parts.tsx";
import { TuneSection } from "./tune.tsx";

/** The panel. */
export function SegmentPanel() {
  const image = doc.value;
  if (image === undefined) return <p>Open an image first.</p>;
  return (
    <>
      <Section title="Preview">
        <Choice
          label="Runs"
          value={runsIn.value}
          choices={[["edge", "at the service"], ["browser", "in this browser"]]}
          onChange={(value) => runsIn.value = value}
        />
        {runsIn.value === "browser" && <GpuSwitch />}
        <div class="buttons">
          <button
            type="button"
            class="main"
            onClick={() => previewPlane(image)}
          >
            Preview
          </button>
          <button type="button" onClick={() => previewAll()}>
            All images
          </button>
        </div>
        <ModelLine />
      </Section>
      <JobSection image={image} />
      <TuneSection image={image} />
      <CodeSection image={image} />
    </>
  );
}

/** Whether the network may run on WebGPU, and where it does. */
function GpuSwitch() {
  const on = runsOn.value;
  const hasGpu = "gpu" in navigator;
  return (
    <>
      <Check label="Use WebGPU" value={usesGpu} />
      <p class="hint" role="status" data-testid="provider">
        {!usesGpu.value
          ? "WebAssembly, as asked for."
          : on?.reason
          ? `WebGPU cannot be used (${on.reason}): WebAssembly runs instead, which is slower.`
          : on
          ? `Runs on ${on.provider === "webgpu" ? "WebGPU" : "WebAssembly"}.`
          : hasGpu
          ? "WebGPU is tried first."
          : "This browser has no WebGPU: WebAssembly runs instead, which is slower."}
      </p>
    </>
  );
}

async function previewAll() {
  for (const image of docs.value) await previewPlane(image);
}

function ModelLine() {
  const [model] = models.value;
  if (model === undefined) return null;
  return (
    <p class="hint">
      Model {model.name}, licence {model.licence ?? "unknown"},{" "}
      <code title={model.sha256}>{model.sha256.slice(0, 12)}</code>
    </p>
  );
}

function CodeSection({ image }: { image: Doc }) {
  const copy = async (kind: CodeKind) => {
    const text = writeCode(kind, image.name, parameters.value);
    try {
      await navigator.clipboard.writeText(text);
      tell("note", `Copied: ${text}`);
    } catch {
      tell("note", text);
    }
  };
  return (
    <Section title="Copy as">
      <div class="buttons">
        <button type="button" onClick={() => copy("command")}>Command</button>
        <button type="button" onClick={() => copy("curl")}>curl</button>
        <button type="button" onClick={() => copy("code")}>Code</button>
      </div>
    </Section>
  );
}
