import { assert, describe, it } from "@effect/vitest"
import { Fact, type HostShell, type HostSight, RuntimeEvidence } from "../../src/index.ts"

const expected = ["kata-qemu", "kata-clh"]
const failed = Fact.unknown("failed", "connection refused")

const cri = (rest: Partial<HostSight.CriStatus>) =>
  RuntimeEvidence.ofCri(
    expected,
    Fact.known({ runtime: "containerd 2.1.9", ready: true, handlers: undefined, ...rest }),
  )

const run = (rest: Partial<HostShell.UnitRun> = {}): Fact.Fact<HostShell.UnitRun> =>
  Fact.known({
    state: "active",
    subState: "running",
    result: "success",
    mainPid: 17,
    activeSince: 1,
    restarts: 0,
    needsReload: false,
    ...rest,
  })

const ofUnit = (first: Fact.Fact<HostShell.UnitRun>, second: Fact.Fact<HostShell.UnitRun>) =>
  RuntimeEvidence.ofUnit("k3s.service", first, second)

describe("RuntimeEvidence", () => {
  describe("of the runtime itself", () => {
    it("all handlers listed is served, whatever else is listed", () => {
      assert.strictEqual(cri({ handlers: ["runc", "kata-clh", "kata-qemu"] })?._tag, "Served")
    })

    it("some of them is partly, with those that are missing", () => {
      const said = cri({ handlers: ["kata-clh"] })
      assert.deepInclude(said, { _tag: "Partly", missing: ["kata-qemu"] })
    })

    it("none of them is not served, and they are named", () => {
      for (const handlers of [[], ["runc"], ["kata"]]) {
        const said = cri({ handlers })
        assert.strictEqual(said?._tag, "NotServed")
        assert.include(said?.because, "none of kata-qemu, kata-clh")
      }
    })

    it("a daemon without its CRI serves nothing, and says why", () => {
      const said = cri({ ready: false, handlers: [], notLoaded: "no corresponding runtime" })
      assert.strictEqual(said?._tag, "NotServed")
      assert.include(said?.because, "CRI is not loaded: no corresponding runtime")
    })

    it("one that is not ready serves nothing, even if it lists the handlers", () => {
      const said = cri({ ready: false, handlers: expected })
      assert.strictEqual(said?._tag, "NotServed")
      assert.include(said?.because, "not ready")
    })

    it("one that lists no handlers at all cannot tell, and neither can one that is not seen", () => {
      assert.isUndefined(cri({}))
      for (const how of ["failed", "not-asked", "out-of-sight"] as const)
        assert.isUndefined(RuntimeEvidence.ofCri(expected, Fact.unknown(how, "why")))
    })
  })

  describe("of the node", () => {
    it("a node that could not be read cannot tell", () => {
      assert.isUndefined(RuntimeEvidence.ofNode({ _tag: "Unknown", why: "why" }))
    })

    it("goes by what it reports", () => {
      const missing = ["kata-clh"]
      assert.strictEqual(RuntimeEvidence.ofNode({ _tag: "AllLoaded" })?._tag, "Served")
      assert.deepInclude(RuntimeEvidence.ofNode({ _tag: "Missing", missing, served: "some" }), {
        _tag: "Partly",
        missing,
      })
      const none = RuntimeEvidence.ofNode({ _tag: "Missing", missing: expected, served: "none" })
      assert.strictEqual(none?._tag, "NotServed")
      assert.include(none?.because, "none of kata-qemu, kata-clh")
    })
  })

  describe("of the unit", () => {
    it("a unit that stays active with one process proves nothing of handlers, and nothing against them", () => {
      const said = ofUnit(run(), run())
      assert.strictEqual(said._tag, "Unseen")
      assert.include(said.because, "k3s.service stays active")
    })

    it("another process at the second look means that it went down in between", () => {
      const said = ofUnit(run(), run({ mainPid: 18 }))
      assert.strictEqual(said._tag, "NotServed")
      assert.include(said.because, "started again by itself within 10 s")
    })

    it("a unit that is not active at either look is down, and its state is told", () => {
      const down = run({ state: "failed", subState: "failed", result: "exit-code", mainPid: undefined })
      assert.deepStrictEqual(ofUnit(run(), down), {
        _tag: "NotServed",
        because: "k3s.service is failed (failed, exit-code)",
      })
      assert.strictEqual(
        ofUnit(run({ state: "activating", subState: "auto-restart" }), run())._tag,
        "NotServed",
      )
    })

    it("a unit that cannot be seen leaves it unseen, with the reason of whichever look failed", () => {
      for (const [first, second] of [
        [failed, run()],
        [run(), failed],
        [failed, failed],
      ] as const) {
        const said = ofUnit(first, second)
        assert.strictEqual(said._tag, "Unseen")
        assert.include(said.because, "connection refused")
      }
    })
  })
})
