import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import {
  choose,
  deleteSmaller,
  MISSING,
  type OpenPage,
  openPage,
  sha256OfMasks,
  waitForMessage,
} from "./browser.ts";

describe.skipIf(MISSING)(`page: kept masks (${MISSING ?? "Chromium"})`, () => {
  let open: OpenPage;
  beforeAll(async () => void (open = await openPage()));
  afterAll(async () => await open.close());

  test("masks and edits are there again, until they are forgotten by a button", async () => {
    const { page } = open;
    await openNuclei(page);
    await page.getByRole("button", { name: "Preview", exact: true }).click();
    await waitForMessage(page, /\d+ cells in/);
    await choose(page, "Correct");
    await deleteSmaller(page, 150);
    const edited = await sha256OfMasks(page);
    await page.waitForTimeout(500);
    const second = await open.reopen();
    await openNuclei(second);
    await waitForMessage(second, /earlier visit/);
    expect(await sha256OfMasks(second)).toBe(edited);

    await second.getByRole("tab", { name: "Correct" }).click();
    await second.getByText("kept for 30 days").waitFor();
    await second.getByRole("button", { name: "Forget all" }).click();
    await waitForMessage(second, /Nothing is kept/);
    await second.close();
    const third = await open.reopen();
    await openNuclei(third);
    await third.waitForTimeout(300);
    expect(await keysOf(third)).toEqual([]);
    expect(await third.getByTestId("message").innerText()).toBe("");
    await third.close();
  });

  test("an edit after that is kept with all that came before it", async () => {
    // the first page still shows what was forgotten in the second
    const page = await open.reopen();
    await openNuclei(page);
    await page.getByRole("button", { name: "Preview", exact: true }).click();
    await waitForMessage(page, /\d+ cells in/);
    await choose(page, "Correct");
    await deleteSmaller(page, 150);
    await page.getByRole("button", { name: "Forget this image's" }).click();
    await waitForMessage(page, /Nothing of/);
    const before = await sha256OfMasks(page);
    await deleteSmaller(page, 250);
    const edited = await sha256OfMasks(page);
    expect(edited).not.toBe(before);
    await page.waitForTimeout(500);
    await page.close();
    const again = await open.reopen();
    await openNuclei(again);
    await waitForMessage(again, /earlier visit/);
    expect(await sha256OfMasks(again)).toBe(edited);
    await again.close();
  });

  test("what has not changed for 30 days is forgotten", async () => {
    const page = await open.reopen();
    const age = (days: number) =>
      page.evaluate((days) =>
        new Promise<void>((resolve, reject) => {
          const opened = indexedDB.open("cytoedge");
          opened.onerror = () => reject(opened.error);
          opened.onsuccess = () => {
            const database = opened.result;
            const change = database.transaction("marks", "readwrite");
            const cursor = change.objectStore("marks").openCursor();
            cursor.onsuccess = () => {
              const at = cursor.result;
              if (!at) return;
              at.update({ ...at.value, at: Date.now() - days * 86_400_000 });
              at.continue();
            };
            change.oncomplete = () => {
              database.close();
              resolve();
            };
          };
        }), days);
    await age(29);
    const kept = await open.reopen();
    await openNuclei(kept);
    await waitForMessage(kept, /earlier visit/);
    await kept.close();
    await age(31);
    const late = await open.reopen();
    await openNuclei(late);
    await expect.poll(() => keysOf(late)).toEqual([]);
    expect(await late.getByTestId("message").innerText()).toBe("");
    expect(open.complaints).toEqual([]);
  });
});

async function openNuclei(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Nuclei", exact: true }).click();
  await page.getByText("nuclei_2d.tif").first().waitFor();
  await page.getByText("Opening the example").waitFor({ state: "hidden" });
}

/** Keys of what the browser keeps. */
function keysOf(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    new Promise<string[]>((resolve, reject) => {
      const opened = indexedDB.open("cytoedge");
      opened.onerror = () => reject(opened.error);
      opened.onsuccess = () => {
        const database = opened.result;
        const keys = database.transaction("bases").objectStore("bases")
          .getAllKeys();
        keys.onsuccess = () => {
          database.close();
          resolve(keys.result as string[]);
        };
      };
    })
  );
}
