/**
 * What does the whole run share? The releases of containerd, one folder of sample artifacts, and a bundle that is up to
 * date, so that what is tested is what is shipped.
 *
 * What cannot be had is said here, loudly and once; the tests that need it are then "not run", which in CI is a failure.
 */
import { join } from "node:path"
import type { TestProject } from "vitest/node"
import { run } from "./Command.ts"
import * as GoPrograms from "./containerd/GoPrograms.ts"
import { viewRefused } from "./containerd/HostView.ts"
import { linesOf, obtain, obtainBuilt, suites, type Obtained } from "./containerd/Releases.ts"
import { makeArtifacts } from "./hostTree/Artifacts.ts"

declare module "vitest" {
  /** Handed from here to the tests. */
  export interface ProvidedContext {
    readonly releases: ReadonlyArray<Obtained>
    readonly artifactsFolder: string
    readonly nydus: GoPrograms.Obtained
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

/** What is built from Go modules, one after the other: each build takes the whole machine. */
const built = async (): Promise<{
  readonly lines: ReadonlyArray<Obtained>
  readonly nydus: GoPrograms.Obtained
}> => {
  const way = GoPrograms.wayOf(process.env["KATA_DEPLOY_E2E_GO"])
  const lines: Array<Obtained> = []
  for (const line of linesOf(way)) lines.push(await usable(await obtainBuilt(line, way)))
  return { lines, nydus: await GoPrograms.obtain("nydus-snapshotter", way) }
}

/** Prepares the run; what it returns is run at the end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [artifacts, packaged, { lines, nydus }] = await Promise.all([
    makeArtifacts(),
    Promise.all(suites.map(async (suite) => usable(await obtain(suite)))),
    built(),
    build(),
  ])
  const releases = [...packaged, ...lines]
  for (const obtained of releases) {
    console.error(
      "release" in obtained
        ? `e2e: containerd ${obtained.release.version} (${obtained.suite})`
        : `\ne2e: NOT RUN: everything on containerd of ${obtained.suite}: ${obtained.notRun}\n`,
    )
  }
  console.error(
    "notRun" in nydus
      ? `\ne2e: NOT RUN: everything on the real nydus-snapshotter: ${nydus.notRun}\n`
      : `e2e: nydus-snapshotter ${nydus.version}`,
  )
  if (process.getuid?.() !== 0) {
    console.error("\ne2e: NOT RUN: what needs root (a full disk, giving up privileges); you are not root\n")
  }
  project.provide("releases", releases)
  project.provide("artifactsFolder", artifacts.dir)
  project.provide("nydus", nydus)
  return async () => {
    await artifacts[Symbol.asyncDispose]()
  }
}
