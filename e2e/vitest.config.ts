/**
 * The end-to-end tests: slow, on real binaries, and not part of `npm test`. Run them with `npm run e2e`.
 */
import { defineConfig } from "vitest/config"

const conditions = ["source", "module", "node", "development|production"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    name: "e2e",
    root: import.meta.dirname,
    include: ["**/*.test.ts"],
    globalSetup: ["./globalSetup.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Processes, not threads: a daemon ends with the process that started it.
    pool: "forks",
    maxWorkers: 2,
  },
})
