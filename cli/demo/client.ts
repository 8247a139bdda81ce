/**
 * What a script would do: the service's public HTTP interface, and no more.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** A service and a key for it. */
export interface ServiceAddress {
  /** As http://127.0.0.1:8000. */
  readonly url: string;
  readonly key: string;
}

/** A file to send. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What the demo reads of a preview. */
export interface PreviewAnswer {
  readonly count: number;
  readonly scale: number;
  readonly warnings: readonly { readonly message: string }[];
}

/** What the demo reads of a finished job. */
export interface JobAnswer {
  readonly count: number;
  /** The label TIFF. */
  readonly masks: Uint8Array<ArrayBuffer>;
}

/** Calls of the interface, in the order a script makes them. */
export interface Client {
  upload(file: NamedBytes): Promise<string>;
  preview(upload: string): Promise<PreviewAnswer>;
  /** Queue a job, follow its events to the end, get its masks. */
  runJob(upload: string): Promise<JobAnswer>;
  /** AP at IoU 0.5. */
  score(truth: NamedBytes, prediction: NamedBytes): Promise<number>;
}

/** A client of a service. */
export function createClient({ url, key }: ServiceAddress): Client {
  const headers = { authorization: `Bearer ${key}` };

  async function call(path: string, body?: object | FormData) {
    const isForm = body instanceof FormData;
    const answer = await fetch(`${url}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        ...headers,
        ...(body === undefined || isForm
          ? {}
          : { "content-type": "application/json" }),
      },
      ...(body === undefined
        ? {}
        : { body: isForm ? body : JSON.stringify(body) }),
    });
    return await readAnswer(answer);
  }

  return {
    async upload({ name, bytes }) {
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const { id, put } = await call("/v1/uploads", {
        name,
        bytes: bytes.length,
        sha256,
      });
      const sent = await fetch(put.url, {
        method: "PUT",
        headers: put.headers,
        body: bytes,
      });
      if (!sent.ok) throw new Error(`sending ${name}: ${await sent.text()}`);
      await sent.body?.cancel();
      return id;
    },
    preview: (upload) =>
      call("/v1/previews", { upload, masks: "none", outlines: false }),
    async runJob(upload) {
      const { id } = await call("/v1/jobs", {
        images: [{ upload }],
        outputs: ["tif"],
      });
      const events = await fetch(`${url}/v1/jobs/${id}/events`, { headers });
      // the stream ends with the job
      await events.text();
      const { images: [image] } = await call(`/v1/jobs/${id}/results`);
      if (image.state !== "succeeded") throw new Error(image.error);
      const file = Object.keys(image.files).find((name) =>
        name.endsWith(".tif")
      );
      const { url: masksUrl } = image.files[file ?? ""];
      const masks = await fetch(masksUrl);
      return {
        count: image.count,
        masks: new Uint8Array(await masks.arrayBuffer()),
      };
    },
    async score(truth, prediction) {
      const form = new FormData();
      form.append("truth", new File([truth.bytes], truth.name));
      form.append("prediction", new File([prediction.bytes], prediction.name));
      const { images: [image] } = await call("/v1/scores", form);
      return image.precision[0].ap;
    },
  };
}

async function readAnswer(answer: Response) {
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${answer.status}: ${body.detail}`);
  return body;
}
