/**
 * Full resolution: a quote, then a job with progress, cancel and a link.
 *
 * @module
 */
import { cancelJob, quoteJob, runJob } from "../actions/jobs.ts";
import { copyLink } from "../actions/link.ts";
import { type Doc, jobModel, models } from "../store.ts";
import { Choice, Section } from "./parts.tsx";

/** The section. */
export function JobSection({ image }: { image: Doc }) {
  const { quote, job } = image.job.value;
  const isRunning = job !== undefined &&
    (job.state === "queued" || job.state === "running");
  return (
    <Section title="Full resolution">
      {models.value.length > 1 && (
        <Choice
          label="Model"
          value={jobModel.value}
          choices={models.value.map(({ id, name }) => [id, name] as const)}
          onChange={(value) => {
            jobModel.value = value;
            image.job.value = {};
          }}
        />
      )}
      {quote === undefined || (job && !isRunning)
        ? (
          <button type="button" onClick={() => quoteJob(image)}>
            Get a quote
          </button>
        )
        : null}
      {quote && !job && (
        <>
          <p>
            {Math.round(quote.pixels).toLocaleString("en")} pixels,{" "}
            {quote.tiles} tiles, about {quote.gpuSeconds.toFixed(1)} s,{" "}
            {quote.price.toFixed(4)} {quote.currency}
            {quote.cached > 0 ? "; the result is known" : ""}
          </p>
          <button
            type="button"
            class="main"
            onClick={() =>
              runJob(image)}
          >
            Run
          </button>
        </>
      )}
      {job && (
        <div class="job" role="status">
          <progress
            aria-label="Progress of the job"
            max={Math.max(1, job.progress.total)}
            value={job.state === "succeeded"
              ? Math.max(1, job.progress.total)
              : job.progress.done}
          />
          <span>
            {job.state}, {job.progress.done} of {job.progress.total} tiles
            {isRunning && job.eta !== null
              ? `, ${Math.ceil(job.eta)} s left`
              : ""}
          </span>
        </div>
      )}
      {isRunning && (
        <button
          type="button"
          onClick={() => cancelJob(image)}
        >
          Cancel
        </button>
      )}
      {job?.state === "succeeded" && (
        <button
          type="button"
          onClick={() => copyLink(image)}
        >
          Copy link to this result
        </button>
      )}
    </Section>
  );
}
