import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // the page in a browser is a task of its own: `deno task web-test`
    exclude: ["test/bench/**", "test/experiments/**", "test/web/**"],
    // two cores: the core's tests are CPU-bound
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
