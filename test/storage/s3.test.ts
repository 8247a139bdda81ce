import { test } from "vitest";
import { S3_SERVER } from "../servers/programs.ts";
import { startS3 } from "../servers/s3.ts";
import { describeStore } from "./contract.ts";

if (S3_SERVER === undefined) {
  test.skip("object store: S3 (versitygw is not installed)", () => {});
} else {
  describeStore("S3 (versitygw)", async () => {
    const server = await startS3();
    return { store: server.open(), remove: () => server.remove() };
  });
}
