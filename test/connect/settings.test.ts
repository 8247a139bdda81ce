import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readEnvironment, VARIABLES } from "../../shared/connect/settings.ts";

test("readEnvironment() takes defaults, lists and numbers", () => {
  const env = readEnvironment({
    PATH: "/bin",
    CYTOEDGE_PORT: "0",
    CYTOEDGE_NATS: "nats://a:4222, nats://b:4222",
    CYTOEDGE_CORS_ORIGINS: "",
  });
  expect(env).toMatchObject({
    CYTOEDGE_PORT: 0,
    CYTOEDGE_HOST: "0.0.0.0",
    CYTOEDGE_NATS: ["nats://a:4222", "nats://b:4222"],
    CYTOEDGE_WORK: ["jobs", "imports", "trainings"],
  });
  expect(env.CYTOEDGE_CORS_ORIGINS).toBeUndefined();
});

test("readEnvironment() names everything that is wrong", () => {
  const wrong = (values: Record<string, string>) => {
    try {
      readEnvironment(values);
    } catch (err) {
      return (err as Error).message;
    }
    return "";
  };
  expect(wrong({ CYTOEDGE_PORT: "x", CYTOEDGE_SIGNED_SECONDS: "901" }))
    .toMatch(/CYTOEDGE_PORT.*CYTOEDGE_SIGNED_SECONDS/);
  // a misspelled limit is not taken for none
  expect(wrong({ CYTOEDGE_MAX_BODY: "5" })).toMatch(/CYTOEDGE_MAX_BODY/);
  expect(wrong({ CYTOEDGE_S3_BUCKET: "b" })).toMatch(/CYTOEDGE_S3_ACCESS_KEY/);
  expect(wrong({ CYTOEDGE_OIDC_ISSUER: "https://a.example" }))
    .toMatch(/go together/);
  expect(wrong({ CYTOEDGE_WEBHOOK_HOSTS: "a.example" }))
    .toMatch(/needs CYTOEDGE_WEBHOOK_SECRET/);
  expect(wrong({ CYTOEDGE_WEBHOOK_SECRET: "c2hvcnQ=" })).toMatch(/24 random/);
  expect(wrong({ CYTOEDGE_PUSH_TOKEN: "short" })).toMatch(/PUSH_TOKEN/);
});

test("docs/service.md tells of every variable, and of no other", () => {
  const docs = readFileSync(
    new URL("../../docs/service.md", import.meta.url),
    "utf8",
  );
  const told = [...docs.matchAll(/^\| `(CYTOEDGE_\w+)`/gm)].map(([, n]) => n);
  expect(told.sort()).toEqual(Object.keys(VARIABLES).sort());
});
