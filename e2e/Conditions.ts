/**
 * On what does a test run, and what if that is not there? Then it is "not run": shown as skipped on a developer's machine
 * with the reason in its name, and a failure in CI, where nobody reads names of skipped tests.
 */
import { describe, inject, test } from "vitest"
import { builtLines, type Origin, type Release } from "./containerd/Releases.ts"
import { openArtifacts, type Artifacts } from "./hostTree/Artifacts.ts"

const inCi = Boolean(process.env["CI"]) && process.env["CI"] !== "false"

/** Registers a test that says that `title` could not be run, and why. */
export const notRun = (title: string, why: string): void => {
  const name = `not run: ${title}: ${why.split("\n")[0]}`
  if (!inCi) return test.skip(name, () => {})
  test(name, () => {
    throw new Error(`${name}. In CI that is a failure: a test that was not run proves nothing.\n${why}`)
  })
}

/**
 * As {@link notRun}, for what is built from Go modules: no machine has to have Go, so it is left out in CI, too. The run
 * says so where it begins.
 */
export const leftOut = (title: string, why: string): void => {
  test.skip(`not run: ${title}: ${why.split("\n")[0]}`, () => {})
}

/** The artifacts that the whole run shares; a test that changes them makes a copy. */
export const sharedArtifacts = (): Artifacts => openArtifacts(inject("artifactsFolder"))

/** A line of releases: `"1"` is every 1.x, `"2"` what Debian has of 2.x; `"2.2"` and `"2.3+"` are built. */
export type Line = "1.6" | "1.7" | "1" | "2" | "2.2" | "2.3+"

const originsOf: Readonly<Record<Line, ReadonlyArray<Origin>>> = {
  "1.6": ["bookworm"],
  "1.7": ["trixie"],
  "1": ["bookworm", "trixie"],
  "2": ["sid"],
  "2.2": ["2.2"],
  "2.3+": ["2.3", "2.4"],
}

const isBuilt = (origin: Origin): boolean => builtLines.some((line) => line === origin)

/** Describes `title` once for each real containerd of `lines`. */
export const onContainerd = (
  lines: ReadonlyArray<Line>,
  title: string,
  body: (release: Release) => void,
): void => {
  const wanted = new Set(lines.flatMap((line) => originsOf[line]))
  for (const obtained of inject("releases").filter(({ suite }) => wanted.has(suite))) {
    if ("release" in obtained)
      describe(`${title}, on containerd ${obtained.release.version}`, () => body(obtained.release))
    else if (isBuilt(obtained.suite)) leftOut(`${title}, on containerd ${obtained.suite}`, obtained.notRun)
    else notRun(title, obtained.notRun)
  }
}

/** A test that only root can set up. */
export const asRoot = (title: string, body: () => Promise<void>): void => {
  if (process.getuid?.() === 0) test(title, body)
  else notRun(title, "you are not root")
}
