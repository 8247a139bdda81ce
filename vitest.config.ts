import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/bench/**", "test/experiments/**"],
    // two cores: the core's tests are CPU-bound
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
