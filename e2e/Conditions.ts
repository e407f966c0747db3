/**
 * On what does a test run, and what if that is not there? Then it is "not run": shown as skipped on a developer's machine
 * with the reason in its name, and a failure in CI, where nobody reads names of skipped tests.
 */
import { describe, inject, test } from "vitest"
import type { Release } from "./containerd/Releases.ts"
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

/** The artifacts that the whole run shares; a test that changes them makes a copy. */
export const sharedArtifacts = (): Artifacts => openArtifacts(inject("artifactsFolder"))

/** A line of releases: `"1"` is every 1.x. */
export type Line = "1.6" | "1.7" | "1" | "2"

const suitesOf: Readonly<Record<Line, ReadonlyArray<string>>> = {
  "1.6": ["bookworm"],
  "1.7": ["trixie"],
  "1": ["bookworm", "trixie"],
  "2": ["sid"],
}

/** Describes `title` once for each real containerd of `lines`. */
export const onContainerd = (
  lines: ReadonlyArray<Line>,
  title: string,
  body: (release: Release) => void,
): void => {
  const wanted = new Set(lines.flatMap((line) => suitesOf[line]))
  for (const obtained of inject("releases").filter(({ suite }) => wanted.has(suite))) {
    if ("release" in obtained)
      describe(`${title}, on containerd ${obtained.release.version}`, () => body(obtained.release))
    else notRun(title, obtained.notRun)
  }
}

/** A test that only root can set up. */
export const asRoot = (title: string, body: () => Promise<void>): void => {
  if (process.getuid?.() === 0) test(title, body)
  else notRun(title, "you are not root")
}
