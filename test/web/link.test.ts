import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { violationsEverywhere } from "./axe.ts";
import {
  deleteSmaller,
  example,
  MISSING,
  type OpenPage,
  openPage,
  sha256OfMasks,
  waitForMessage,
} from "./browser.ts";

describe.skipIf(MISSING)(`page: link (${MISSING ?? "Chromium"})`, () => {
  let open: OpenPage;
  let link: string;
  let masks: string;
  beforeAll(async () => {
    open = await openPage();
    const { page } = open;
    await page.context().grantPermissions([
      "clipboard-read",
      "clipboard-write",
    ]);
    await page.getByRole("button", { name: "Nuclei", exact: true }).click();
    await page.getByText("nuclei_2d.tif").first().waitFor();
    await page.getByRole("button", { name: "Get a quote" }).click();
    await page.getByText(/tiles, about/).waitFor();
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await waitForMessage(page, /cells at full resolution/);
    masks = await sha256OfMasks(page);
    await page.getByRole("button", { name: "Copy link to this result" })
      .click();
    await waitForMessage(page, /Copied/);
    link = await page.evaluate(() => navigator.clipboard.readText());
    expect(await violationsEverywhere(open, "link")).toEqual([]);
  });
  afterAll(async () => await open.close());

  test("a link opens the image with the result's masks, in an empty page", async () => {
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#job=[\w-]+&image=0$/);
    const page = await open.reopen(link, true);
    await waitForMessage(page, /cells at full resolution/);
    await page.getByText("nuclei_2d.tif").first().waitFor();
    expect(await sha256OfMasks(page)).toBe(masks);
    // a reload does not open it a second time
    expect(page.url()).toBe(open.url + "/");
    await page.context().close();
  });

  test("a link of someone else's, or one that has expired, is told as such", async () => {
    const { service } = open;
    const upload = await service.upload(
      "theirs.tif",
      readFileSync(example("nuclei_2d.tif")),
    );
    const { body: job } = await service.call("POST", "/v1/jobs", {
      json: { images: [{ upload }] },
    });
    await service.finish(job.id);
    for (const id of [job.id, "0gone"]) {
      const page = await open.reopen(`${open.url}/#job=${id}`, true);
      await waitForMessage(page, /There is no such result for you/);
      expect(await page.getByRole("list", { name: "Open images" }).count())
        .toBe(0);
      await page.context().close();
    }
  });

  test("edits of one's own are not overwritten by a link", async () => {
    const page = await open.reopen();
    await page.getByRole("button", { name: "Nuclei", exact: true }).click();
    await waitForMessage(page, /earlier visit/);
    await page.getByRole("tab", { name: "Correct" }).click();
    await deleteSmaller(page, 150);
    const edited = await sha256OfMasks(page);
    expect(edited).not.toBe(masks);
    await page.evaluate((hash) => location.hash = hash, new URL(link).hash);
    await waitForMessage(page, /edits of this image here/);
    expect(await sha256OfMasks(page)).toBe(edited);
    await page.getByRole("button", { name: "Forget this image's" }).click();
    await waitForMessage(page, /Nothing of nuclei_2d.tif is kept/);
    await page.close();
    const other = await open.reopen(link);
    await waitForMessage(other, /cells at full resolution/);
    expect(await sha256OfMasks(other)).toBe(masks);
    await other.close();
  });
});
