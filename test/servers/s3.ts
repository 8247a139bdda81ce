/**
 * An S3 server with a bucket, for a test.
 *
 * @module
 */
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openS3, type S3Options } from "../../shared/storage/s3.ts";
import { connect } from "../../shared/storage/s3/client.ts";
import type { ObjectStore } from "../../shared/storage/types.ts";
import { type Server, startServer } from "./process.ts";
import { S3_SERVER } from "./programs.ts";

/** A server, and how to open its bucket. */
export interface S3Server extends Server {
  readonly options: S3Options;
  open(options?: Partial<S3Options>): ObjectStore;
  /** End it and delete its data. */
  remove(): Promise<void>;
}

/** Start a server of one empty bucket. */
export async function startS3(): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), "cytoedge-s3-"));
  // attributes beside the files: not every file system has them
  const [data, sidecar] = [join(folder, "data"), join(folder, "sidecar")];
  await mkdir(data);
  await mkdir(sidecar);
  const credentials = { accessKeyId: "test", secretAccessKey: "test-secret" };
  const server = await startServer(S3_SERVER ?? "", (port) => [
    ...["--access", credentials.accessKeyId],
    ...["--secret", credentials.secretAccessKey],
    ...["--port", `127.0.0.1:${port}`, "--quiet"],
    ...["posix", "--sidecar", sidecar, data],
  ]);
  const options: S3Options = {
    bucket: "test-bucket",
    endpoint: `http://127.0.0.1:${server.port}`,
    region: "us-east-1",
    credentials,
  };
  const client = connect(options, options.endpoint);
  await client.send(new CreateBucketCommand({ Bucket: options.bucket }));
  client.destroy();
  return {
    ...server,
    options,
    open: (changed = {}) => openS3({ ...options, ...changed }),
    async remove() {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
