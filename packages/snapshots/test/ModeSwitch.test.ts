import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { ModeSwitch } from "../src/index.ts"

const pull: ModeSwitch.Running = {
  plugin: "nydus-for-kata-tee",
  driver: "proxy",
  root: "/var/lib/nydus-for-kata-tee",
  address: "/run/nydus-for-kata-tee/a.sock",
}
const share: ModeSwitch.Running = {
  plugin: "nydus-for-kata-hs",
  driver: "blockdev",
  root: "/var/lib/nydus-for-kata-hs",
  address: "/run/nydus-for-kata-hs/a.sock",
}

describe("ModeSwitch", () => {
  for (const [row, what, over] of [
    ["M1", "the same once more, with another socket", { ...pull, address: "/run/b.sock" }],
    ["M2", "the other mode with everything of its own", {}],
    ["M3", "the other mode under the same plugin name", { plugin: pull.plugin }],
    ["M4", "the other mode on the same root", { root: pull.root }],
    ["M5", "the other mode on the same socket", { address: pull.address }],
  ] as const)
    it(`${row}: ${what}`, () => {
      const found = ModeSwitch.check(pull, { ...share, ...over })
      assert.deepStrictEqual(found as object, [row])
      assert.strictEqual(ModeSwitch.isAllowed(found), row === "M1" || row === "M2")
      assert.match(ModeSwitch.explain(row), new RegExp(`^${row}: .+\\.$`))
    })

  it("names everything that the two share", () => {
    assert.deepStrictEqual(ModeSwitch.check(pull, { ...pull, driver: "blockdev" }) as object, [
      "M3",
      "M4",
      "M5",
    ])
  })

  it("does not depend on which of the two was there first", () => {
    const running = fc.record({
      plugin: fc.constantFrom("a", "b"),
      driver: fc.constantFrom("proxy", "blockdev" as const),
      root: fc.constantFrom("/a", "/b"),
      address: fc.constantFrom("/a.sock", "/b.sock"),
    })
    fc.assert(
      fc.property(running, running, (one, other) => {
        assert.deepStrictEqual(ModeSwitch.check(one, other), ModeSwitch.check(other, one))
      }),
    )
  })
})
