/**
 * Does the simulator of core say what the real containerd does? Every known trap and a sample of generated roots with
 * drop-ins: `config dump` for each that is expected to load, a started daemon for every tenth and for each in which
 * trouble is expected. `KATA_DEPLOY_E2E_PAIRS` is how many cases there are per release (default 300);
 * `KATA_DEPLOY_E2E_START_ALL` starts a daemon for each.
 */
import { expect, test } from "vitest"
import { onContainerd } from "./Conditions.ts"
import { differences } from "./effective/Agreement.ts"
import { sample } from "./effective/Sample.ts"
import { traps } from "./effective/Traps.ts"

const wanted = Number(process.env["KATA_DEPLOY_E2E_PAIRS"] || 300)

const pairs = [...traps, ...sample(Math.max(0, wanted - traps.length))]

const startsAll = Boolean(process.env["KATA_DEPLOY_E2E_START_ALL"])

/** Starting a daemon is mostly waiting, so a few at once cost no more time than one. */
const atOnce = 4

onContainerd(["1.6", "1.7", "2", "2.2", "2.3+"], "the simulator", (release) => {
  test(`agrees on ${pairs.length} pairs of root file and drop-ins`, { timeout: 900_000 }, async () => {
    const queue = pairs.map((pair, at) => ({ pair, starts: startsAll || at % 10 === 0 }))
    const disagreements: Array<string> = []
    const kinds = new Set<string>()
    let started = 0
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const outcome = await differences(next.pair, release, next.starts)
        if (outcome.started) started++
        kinds.add(outcome.kind)
        if (outcome.found.length > 0) {
          const files = Object.entries(next.pair.files).map(([path, text]) => `--- ${path}\n${text}`)
          disagreements.push([`## ${next.pair.name}`, ...outcome.found, ...files].join("\n"))
        }
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    expect(disagreements.join("\n\n"), `${disagreements.length} of ${pairs.length} disagree`).toBe("")
    expect([...kinds].sort()).toEqual(["loaded", "refused", "without CRI"])
    expect(started, "daemons that were started").toBeGreaterThan(pairs.length / 10)
  })
})
