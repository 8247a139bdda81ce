import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTrainable } from "../../gpu-worker/train/open_trainable.ts";
import { makeFolder, writeScene } from "../train/folders.ts";
import { violationsEverywhere } from "./axe.ts";
import {
  choose,
  MISSING,
  type OpenPage,
  openPage,
  waitForMessage,
} from "./browser.ts";

const ID = "0training";
const FACTS = {
  id: ID,
  name: "tuned",
  parent: "default",
  created: "2030-01-01T00:00:00.000Z",
  started: null,
  finished: null,
  error: null,
  report: null,
  model: null,
};

// a service's answers, which a training would take minutes for
describe.skipIf(MISSING)(`page: train (${MISSING ?? "Chromium"})`, () => {
  let open: OpenPage;
  beforeAll(async () => void (open = await openPage()));
  afterAll(async () => await open.close());

  test("corrected images are sent with their labels; curves and report are shown", async () => {
    const { page } = open;
    const asked: { images: { upload: string; labels: string }[] }[] = [];
    await page.route("**/v1/trainings", async (route) => {
      asked.push(route.request().postDataJSON());
      await route.fulfill({ status: 202, json: { ...FACTS, state: "queued" } });
    });
    const log = (line: object) => `event: log\ndata: ${JSON.stringify(line)}`;
    const events = [
      `event: state\ndata: {"state":"running"}`,
      ...[5, 3, 2, 1.5].map((loss, k) =>
        log({ event: "step", step: 10 * k, loss })
      ),
      log({ event: "validation", step: 20, score: 0.5 }),
      log({ event: "validation", step: 30, score: 0.7 }),
      `event: state\ndata: {"state":"succeeded"}`,
    ].map((event) => event + "\n\n").join("");
    await page.route(
      `**/v1/trainings/${ID}/events`,
      (route) =>
        route.fulfill({ contentType: "text/event-stream", body: events }),
    );
    await page.route(`**/v1/trainings/${ID}`, (route) =>
      route.fulfill({
        json: {
          ...FACTS,
          state: "succeeded",
          report: {
            isAdopted: true,
            reason: "It is better",
            ap: { parent: 0.5, tuned: 0.7 },
            heldOut: 1,
            images: 1,
            cells: 80,
            leftOut: [],
            steps: 30,
            seconds: 9,
          },
        },
      }));

    await page.getByRole("button", { name: "Nuclei", exact: true }).click();
    await page.getByText("nuclei_2d.tif").first().waitFor();
    await choose(page, "Train");
    expect(await page.getByRole("button", { name: "Start" }).isDisabled())
      .toBe(true);
    await choose(page, "Segment");
    await page.getByRole("button", { name: "Preview", exact: true }).click();
    await waitForMessage(page, /\d+ cells in/);
    await choose(page, "Train");
    await page.getByRole("button", { name: "Start" }).click();
    const report = page.getByTestId("report");
    await report.waitFor();
    expect(await report.innerText()).toContain("0.500 before, 0.700 after");
    expect(await page.locator(".chart .curve-1").count()).toBe(1);
    // the tuned model is a name only: both sides are the service's own
    await page.route("**/v1/jobs", async (route) => {
      const { model: _, ...json } = route.request().postDataJSON();
      await route.continue({ postData: json });
    });
    await page.getByRole("button", { name: "Compare on this image" }).click();
    const sides = page.getByTestId("sides");
    await sides.waitFor();
    const [before, after] = await sides.locator("figcaption").allInnerTexts();
    expect(before).toMatch(/^Before: [1-9]\d* cells, AP50 1\.000$/);
    expect(after).toBe(before.replace("Before", "After"));
    await sides.scrollIntoViewIfNeeded();
    await open.shoot("train");

    // the labels that were sent are at the service, as a file of their own
    expect(asked).toHaveLength(1);
    const [{ images: [item] }] = asked;
    expect(item.upload).not.toBe(item.labels);
    for (const id of [item.upload, item.labels]) {
      const state = await page.evaluate(
        async (id) => (await (await fetch(`/v1/uploads/${id}`)).json()).state,
        id,
      );
      expect(state).toBe("stored");
    }
    expect(open.complaints).toEqual([]);
  });
});

/** Networks are trained on a busy machine. */
const PATIENT = 300_000;

describe.skipIf(MISSING)(
  `page: a training that runs (${MISSING ?? "Chromium"})`,
  () => {
    const root = mkdtempSync(join(tmpdir(), "page-train-"));
    const scenes = makeFolder();
    let open: OpenPage;
    beforeAll(async () => {
      await makeParent(join(root, "parent"));
      for (let i = 0; i < 3; i++) {
        writeScene(join(scenes.path, `s${i}`), 20 + i);
      }
      open = await openPage({ shipped: join(root, "parent") });
    }, PATIENT);
    afterAll(async () => {
      await open.close();
      scenes.remove();
      rmSync(root, { recursive: true });
    }, PATIENT);

    test(
      "labels of three images tune the service's model; before and after are side by side",
      async () => {
        const { page } = open;
        // a few steps of small crops: minutes are the least that the page asks
        await page.route("**/v1/trainings", async (route) => {
          if (route.request().method() !== "POST") return route.continue();
          const json = route.request().postDataJSON();
          const settings = { steps: 4, batch: 1, crop: 64, maxFolds: 2 };
          await route.continue({ postData: { ...json, settings } });
        });
        for (let i = 0; i < 3; i++) {
          await pick(open, "Open files…", join(scenes.path, `s${i}.png`));
          await page.getByText(`s${i}.png`).first().waitFor();
          await choose(page, "Correct");
          await pick(
            open,
            "Open labels…",
            join(scenes.path, `s${i}_masks.png`),
          );
          await expect.poll(() => page.getByTestId("edits").innerText())
            .toMatch(/^0 of 0 edits; [1-9]/);
        }
        await choose(page, "Train");
        await page.getByRole("button", { name: "Start" }).click();
        const report = page.getByTestId("report");
        await report.waitFor({ timeout: PATIENT });
        expect(await report.innerText()).toContain("on 3 held-out images");
        expect(await page.locator(".chart .curve-0").count()).toBe(1);
        // both know nothing: the tuned one is not worse
        await page.getByRole("button", { name: "Compare on this image" })
          .click();
        const sides = page.getByTestId("sides");
        await sides.waitFor({ timeout: PATIENT });
        const titles = await sides.locator("figcaption").allInnerTexts();
        expect(titles).toEqual([
          expect.stringMatching(/^Before: \d+ cells, AP50 [\d.]+$/),
          expect.stringMatching(/^After: \d+ cells, AP50 [\d.]+$/),
        ]);
        const models = page.getByTestId("models").getByRole("listitem");
        await expect.poll(() => models.count()).toBe(2);
        const tuned = models.nth(1);
        await expect.poll(() => tuned.innerText()).toMatch(/Parent\s+fake/);
        expect(await tuned.innerText()).toMatch(/SHA-256\s+[0-9a-f]{64}/);
        expect(await tuned.innerText()).toMatch(/Licence\s+MIT/);
        await page.getByRole("button", { name: "Use for jobs" }).click();
        expect(await tuned.innerText()).toContain("in use for jobs");
        await sides.scrollIntoViewIfNeeded();
        await open.shoot("train_before_after");
        expect(await violationsEverywhere(open, "train_models")).toEqual([]);
        await page.getByRole("button", { name: "Discard" }).click();
        expect(await tuned.innerText()).not.toContain("in use for jobs");
        expect(open.complaints).toEqual([]);
      },
      PATIENT,
    );
  },
);

async function pick({ page }: OpenPage, button: string, path: string) {
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: button }).click(),
  ]);
  await chooser.setFiles(path);
}

/** A design with its first weights: nothing needs to be known to be tuned. */
async function makeParent(folder: string): Promise<void> {
  const network = await openTrainable({
    network: "residual-unet",
    from: null,
    seed: 1,
    weightDecay: 0,
    threads: 1,
  });
  const opened = await network.openTrainer();
  const { tensors } = await opened.state();
  await network.writeModel(folder, tensors, {
    diameter: 17,
    licence: "MIT",
    training: {},
  });
  await opened.close();
}
