/** Answers: where do tests put what they need on disk, so that nothing of it is left however they end? */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, onTestFinished } from "vitest"

const make = (): string => mkdtempSync(join(tmpdir(), "kata-deploy-trial-test-"))

const remove = (directory: string): void => rmSync(directory, { recursive: true, force: true })

/** A directory of its own for one test, removed when the test has ended. */
export const temporaryDirectory = (): string => {
  const directory = make()
  onTestFinished(() => remove(directory))
  return directory
}

/**
 * A directory that all tests of a file share, removed after them, also where something that fills it fails: what a
 * `beforeAll` returns is not called then. To be called in the file itself, before what fills it.
 */
export const sharedDirectory = (): (() => string) => {
  let directory: string | undefined
  beforeAll(() => {
    directory = make()
  })
  afterAll(() => {
    if (directory !== undefined) remove(directory)
  })
  return () => directory!
}
