import { expect, test } from "vitest";
import { joinParts } from "../../edge/stored_uploads.ts";
import { NotFoundError } from "../../shared/errors.ts";
import type { ObjectStore } from "../../shared/storage/types.ts";

const upload = { key: "tenants/lab/uploads/a", id: "u" };

/** A store where somebody else joins, and shows the whole at a later look. */
function joinedElsewhere(shownAt: number) {
  let looks = 0;
  const store = {
    head: () => Promise.resolve(looks++ >= shownAt ? {} : undefined),
    completeMultipart: () =>
      Promise.reject(new NotFoundError("object", upload.key)),
  };
  return store as unknown as ObjectStore;
}

test("joinParts() waits for what somebody else is joining", async () => {
  await expect(joinParts(joinedElsewhere(3), upload as never, 1)).resolves
    .toBeUndefined();
});

test("joinParts() says that nobody joined them", async () => {
  await expect(joinParts(joinedElsewhere(Infinity), upload as never, 1))
    .rejects.toThrow(/no object/);
});
