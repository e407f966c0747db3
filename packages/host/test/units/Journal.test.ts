import { assert, describe, it } from "@effect/vitest"
import { Fact, HostLayout, HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import type * as Program from "../../src/Program.ts"
import * as Journal from "../../src/units/Journal.ts"

const pod = HostLayout.pod({
  containerdConfigDir: HostPath.make("/etc/containerd"),
  installDir: HostPath.make("/opt/kata"),
})

describe("the log of a unit", () => {
  it.effect("is the last lines since a moment, oldest first, without empty ones", () =>
    Effect.gen(function* () {
      let line = ""
      const run: Program.RunProgram = (argv) => {
        line = argv.join(" ")
        return Effect.succeed({ code: 0, stdout: "two\n\none\n", stderr: "" })
      }
      const log = Journal.make(run, Journal.reachOf(HostLayout.wholeRoot("/")))
      assert.deepStrictEqual(yield* log("containerd", 1_755_856_000_999), Fact.known(["one", "two"]))
      assert.match(
        line,
        /^journalctl --quiet .*--reverse --lines=50 --since=@1755856000 --unit=containerd\.service$/,
      )
    }),
  )

  it("is read below a foreign root, and not at all where no root is mounted", () => {
    assert.deepStrictEqual(Journal.reachOf(HostLayout.wholeRoot("/node"))?.flags, ["--root=/node"])
    assert.isUndefined(Journal.reachOf(pod))
  })

  it.effect("that cannot be read is unknown, and says why", () =>
    Effect.gen(function* () {
      const nothing = Journal.make(() => Effect.die("nobody asked"), undefined)
      const unseen = yield* nothing("containerd", 0)
      assert(unseen._tag === "Unknown")
      assert.strictEqual(unseen.how, "out-of-sight")
      const reach = { prefix: [], flags: [] }
      const denied = Journal.make(
        () => Effect.succeed({ code: 1, stdout: "", stderr: "No access\nx" }),
        reach,
      )
      const why = yield* denied("containerd", 0)
      assert(why._tag === "Unknown")
      assert.match(why.why, /No access$/)
      const missing = Journal.make(() => Effect.fail({ _tag: "Missing", code: "ENOENT" }), reach)
      assert.strictEqual((yield* missing("containerd", 0))._tag, "Unknown")
    }),
  )
})
