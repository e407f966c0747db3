import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Facts, FactsDocument, Fact, HostPath, ProbeFile } from "../../src/index.ts"

const facts = Facts.unseen("1", HostPath.make("/opt/kata/.kata-deploy"), Fact.known("systemd"))

const again = (of: Facts.Facts): Facts.Facts =>
  Result.getOrThrow(FactsDocument.decode(JSON.parse(JSON.stringify(FactsDocument.encode(of)))))

describe("SightDocument", () => {
  it("keeps each answer of a probe file, with its reason", () => {
    for (const probeFile of [
      { fsverity: ProbeFile.accepted, immutable: ProbeFile.refused("it is tape") },
      ProbeFile.untried("it is out of sight"),
    ])
      assert.deepStrictEqual(
        again({ ...facts, sight: { ...facts.sight, probeFile } }).sight.probeFile,
        probeFile,
      )
  })

  it("tells a probe file that nobody made from one that told nothing", () => {
    assert.isUndefined(again(facts).sight.probeFile)
  })
})
