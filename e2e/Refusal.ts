/**
 * What does a good refusal look like? The promised exit code, the tree untouched, the thing that is wrong named, a remedy,
 * and nothing of the program's insides.
 */
import { expect } from "vitest"
import { kataDeploy, told, type Setting } from "./cli.ts"
import type { Outcome } from "./Command.ts"
import { differences, snapshot } from "./hostTree/TreeSnapshot.ts"

/** One entry of the `problems` document. */
export interface Problem {
  readonly code: string
  readonly setting?: string
  readonly value?: string
  readonly path?: string
  readonly message: string
  readonly remedy: string
}

/** What the output of a refused call is expected to be. */
export interface Refusal {
  readonly code: number
  /** All of these are in what a person reads on stderr. */
  readonly says: ReadonlyArray<string | RegExp>
}

/** Signs that an exception reached the user instead of a message. */
const insides = [
  /^\s+at .*[:(]\S*:\d+:\d+\)?$/m,
  /node:internal/,
  /\bFiberFailure\b/,
  /\[object Object\]/,
  /\bundefined\b/,
]

/** Expects that what a person reads names what is wrong, and shows nothing of the program's insides. */
export const expectReadable = (outcome: Outcome, refusal: Refusal): void => {
  expect(outcome.code, told(outcome)).toBe(refusal.code)
  for (const part of refusal.says) {
    const found = typeof part === "string" ? outcome.stderr.includes(part) : part.test(outcome.stderr)
    expect(found, `stderr should say ${String(part)}\n${told(outcome)}`).toBe(true)
  }
  for (const sign of insides) expect(outcome.stdout + outcome.stderr).not.toMatch(sign)
}

/**
 * Runs a call that has to fail, twice: for a person, and as JSON for a machine. Returns the problems of the latter.
 *
 * The tree has to be the same after each. Where the code promises that nothing was touched (2 and 3) that is meant to the
 * inode; a failure that was undone may have written the same bytes again.
 */
export const expectRefused = async (
  setting: Setting,
  args: ReadonlyArray<string>,
  refusal: Refusal,
): Promise<ReadonlyArray<Problem>> => {
  const before = await snapshot(setting.host.dir)
  const identity = refusal.code === 2 || refusal.code === 3 ? "files" : undefined
  const untouched = async (outcome: Outcome): Promise<void> =>
    expect(
      differences(before, await snapshot(setting.host.dir), identity ? { identity } : {}),
      `the tree after the refusal\n${told(outcome)}`,
    ).toEqual([])

  const forPeople = await kataDeploy(setting, ...args)
  expectReadable(forPeople, refusal)
  await untouched(forPeople)

  const forMachines = await kataDeploy(setting, "--output=json", ...args)
  expect(forMachines.code, told(forMachines)).toBe(refusal.code)
  await untouched(forMachines)
  const document = JSON.parse(forMachines.stdout) as {
    kind: string
    schemaVersion: number
    problems: ReadonlyArray<Problem>
  }
  expect(document).toMatchObject({ kind: "problems", schemaVersion: 1 })
  for (const problem of document.problems) {
    expect(problem.message, told(forMachines)).not.toBe("")
    expect(problem.remedy, `a remedy for: ${problem.message}`).toBeTruthy()
  }
  expect(document.problems.length, told(forMachines)).toBeGreaterThan(0)
  return document.problems
}
