/**
 * Does a node survive a run that ends in the middle, or meets a disk that fails? A few seeded disasters on two hosts;
 * `npm run chaos` goes through all of them on every distribution.
 */
import { join } from "node:path"
import { beforeAll, describe, expect, test } from "vitest"
import manifest from "../packages/cli/package.json" with { type: "json" }
import { kinds } from "../scripts/chaos/Hosts.ts"
import * as OneHost from "../scripts/chaos/OneHost.ts"
import { sharedArtifacts } from "./Conditions.ts"

/** Calls that only look are ten times as many as the others. */
const extents: ReadonlyArray<OneHost.Extent> = [
  { families: ["kills", "moments", "cuts", "faults"], moments: 2, stride: 160, seed: 7 },
  { families: ["looks"], moments: 0, stride: 900, seed: 7 },
]

describe.each(["vanilla-2.1", "k3s-1.7"])("chaos on %s", (name) => {
  const results: Array<OneHost.Result> = []

  beforeAll(async () => {
    const stage = {
      artifacts: sharedArtifacts(),
      program: join(import.meta.dirname, "../packages/cli/dist/kata-deploy.mjs"),
      release: manifest.version,
    }
    const kind = kinds.find((each) => each.name === name)!
    for (const extent of extents)
      for await (const result of OneHost.live(kind, stage, extent)) results.push(result)
  })

  test.each([
    { family: "kills", what: "a program that is killed after a step" },
    { family: "moments", what: "a program that gets a signal at a random moment" },
    { family: "cuts", what: "a run that is cut off at a call" },
    { family: "faults", what: "a run of which one change fails" },
    { family: "looks", what: "a run of which one look fails" },
  ] as const)("$what is completed by the next install and taken back by the next cleanup", ({ family }) => {
    const of = results.filter((result) => result.family === family)
    expect(of.length).toBeGreaterThan(1)
    expect(of.some((result) => result.reached)).toBe(true)
    expect(of.filter((result) => result.wrong.length > 0)).toEqual([])
  })
})
