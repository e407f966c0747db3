/**
 * What does the whole run share? The releases of containerd, one folder of sample artifacts, and a bundle that is up to
 * date, so that what is tested is what is shipped.
 *
 * What cannot be had is said here, loudly and once; the tests that need it are then "not run", which in CI is a failure.
 */
import { join } from "node:path"
import type { TestProject } from "vitest/node"
import { run } from "./Command.ts"
import { viewRefused } from "./containerd/HostView.ts"
import { obtain, suites, type Obtained } from "./containerd/Releases.ts"
import { makeArtifacts } from "./hostTree/Artifacts.ts"

declare module "vitest" {
  /** Handed from here to the tests. */
  export interface ProvidedContext {
    readonly releases: ReadonlyArray<Obtained>
    readonly artifactsFolder: string
  }
}

/** Whether a test that could not be run has to turn the whole run red. */
const strict = Boolean(process.env["CI"]) && process.env["CI"] !== "false"

const build = async (): Promise<void> => {
  const root = join(import.meta.dirname, "..")
  const built = await run(process.execPath, [join(root, "scripts", "build.mjs")], {
    cwd: root,
    timeout: 180_000,
  })
  if (built.code === 0) return
  const why = (built.stderr || built.stdout).trim()
  if (strict) throw new Error(`npm run build failed\n${why}`)
  console.error(`\ne2e: the bundle could not be built, the sources are run instead\n${why}\n`)
}

const usable = async (obtained: Obtained): Promise<Obtained> => {
  if ("notRun" in obtained) return obtained
  const refused = await viewRefused(obtained.release)
  return refused === undefined ? obtained : { suite: obtained.suite, notRun: refused }
}

/** Prepares the run; what it returns is run at the end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [artifacts, releases] = await Promise.all([
    makeArtifacts(),
    Promise.all(suites.map(async (suite) => usable(await obtain(suite)))),
    build(),
  ])
  for (const obtained of releases) {
    console.error(
      "release" in obtained
        ? `e2e: containerd ${obtained.release.version} (${obtained.suite})`
        : `\ne2e: NOT RUN: everything on containerd of ${obtained.suite}: ${obtained.notRun}\n`,
    )
  }
  if (process.getuid?.() !== 0) {
    console.error("\ne2e: NOT RUN: what needs root (a full disk, giving up privileges); you are not root\n")
  }
  project.provide("releases", releases)
  project.provide("artifactsFolder", artifacts.dir)
  return async () => {
    await artifacts[Symbol.asyncDispose]()
  }
}
