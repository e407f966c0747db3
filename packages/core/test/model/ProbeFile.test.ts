import { assert, describe, it } from "@effect/vitest"
import { ProbeFile } from "../../src/index.ts"

describe("ProbeFile", () => {
  it("that there never was is unknown in every respect, for one reason", () => {
    const why = "nobody tried"
    assert.deepStrictEqual(ProbeFile.untried(why), {
      fsverity: ProbeFile.unknown(why),
      immutable: ProbeFile.unknown(why),
    })
  })
})
