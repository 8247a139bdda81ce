import { expect, test } from "vitest";
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

  test("presignGet() of S3 expires by the clock that is passed in", async () => {
    const server = await startS3();
    let time = Date.now();
    const store = server.open({ now: () => time });
    const bytes = new TextEncoder().encode("cells");
    await store.put("a", bytes, { mediaType: "image/png" });
    const statusOf = async () => {
      const { url } = await store.presignGet("a", { ttlSeconds: 60 });
      const answer = await fetch(url);
      await answer.body?.cancel();
      return answer.status;
    };
    expect(await statusOf()).toBe(200);
    time -= 120_000;
    expect(await statusOf()).toBe(403);
    await store.close();
    await server.remove();
  });
}
