/**
 * The test configuration of the whole workspace: one project per package, and one for the tools in `scripts`.
 *
 * `vitest.config.ts` repeats it under the name that editors and a bare `npx vitest` look for.
 * The end-to-end tests are apart, in `e2e/vitest.config.ts`.
 */
import { defineConfig } from "vitest/config"

/** Workspace packages resolve to their TypeScript sources, so tests need no build. */
const conditions = ["source", "module", "node", "development|production"]

/** Absolute, since each project has a root of its own. */
const seed = new URL("vitest.seed.ts", import.meta.url).pathname

const project = (name: string, root: string, testTimeout = 5_000) => ({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: { name, root, include: ["test/**/*.test.ts"], testTimeout, setupFiles: [seed] },
})

/** Core keeps no state between files and has many small ones: loading it once for all halves the time. */
const core = project("core", "packages/core", 30_000)

export default defineConfig({
  test: {
    projects: [
      { ...core, test: { ...core.test, isolate: false } },
      project("filesystem", "packages/filesystem"),
      project("host", "packages/host"),
      project("kubernetes", "packages/kubernetes"),
      project("snapshots", "packages/snapshots"),
      project("cli", "packages/cli", 30_000),
      project("workspace", "scripts", 60_000),
    ],
  },
})
