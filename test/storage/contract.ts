/**
 * What every object store does, on whatever it stores. Run by one test file
 * for each adapter.
 *
 * @module
 */
import { afterAll, beforeAll, describe } from "vitest";
import type { ObjectStore } from "../../shared/storage/types.ts";
import { describeMultipart } from "./multipart.ts";
import { describeObjects } from "./objects.ts";
import { describeSigned } from "./signed.ts";

/** A store to test, and how to be rid of it. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  remove(): Promise<void>;
}

/** Hold an adapter to the contract. */
export function describeStore(
  name: string,
  open: () => Promise<StoreUnderTest>,
): void {
  describe(`object store: ${name}`, () => {
    let opened: StoreUnderTest;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(async () => {
      await opened?.store.close();
      await opened?.remove();
    });
    const find = () => opened.store;
    describeObjects(find);
    describeSigned(find);
    describeMultipart(find);
  });
}
