import { afterAll, beforeAll, describe, expect, test } from "vitest";
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

// the service's trainings are tested where they run; here are its answers
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
