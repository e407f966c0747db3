/**
 * The tests that mutants of the core run against (`npm run mutate`): those that say what a decision is, one by one.
 * Laws and fault injection run the whole program over and over; they would find mutants too, but take a day for it.
 */
import { defineConfig } from "vitest/config"

const conditions = ["source", "module", "node", "development|production"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    name: "core",
    root: "packages/core",
    include: ["test/**/*.test.ts"],
    // Instrumented code is several times slower.
    testTimeout: 60_000,
    setupFiles: [new URL("vitest.seed.ts", import.meta.url).pathname],
    exclude: [
      "test/laws/**",
      "test/engine/Apply.test.ts",
      "test/engine/Crash.test.ts",
      "test/engine/LoadedAfterDeath.test.ts",
      "test/testing/**",
      "test/input/FactsDocument.test.ts",
    ],
  },
})
