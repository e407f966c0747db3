import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Change, FileState, HostPath } from "../../src/index.ts"
import * as Generated from "./Generated.ts"

describe("Change", () => {
  it("law L8: inverting twice gives the change", () => {
    fc.assert(
      fc.property(Generated.change, (change) =>
        assert.deepStrictEqual(Change.invert(Change.invert(change)), change),
      ),
    )
  })

  it("inverted leads from after to before, at the same path", () => {
    fc.assert(
      fc.property(Generated.change, (change) => {
        const inverse = Change.invert(change)
        assert.deepStrictEqual(
          [inverse.path, inverse.before, inverse.after],
          [change.path, change.after, change.before],
        )
        assert.strictEqual(Change.isNoop(inverse), Change.isNoop(change))
      }),
    )
  })

  it("changes nothing when both states are the same", () => {
    const path = HostPath.make("/a")
    assert.isTrue(Change.isNoop(Change.make(path, FileState.file("a"), FileState.file("a"))))
    assert.isFalse(Change.isNoop(Change.make(path, FileState.file("a"), FileState.file("a", 0o600))))
    assert.isFalse(Change.isNoop(Change.make(path, FileState.absent, FileState.file(""))))
  })
})
