import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import fs from "node:fs"
import { join } from "node:path"
import { portOver, sampleHost } from "./SampleHost.ts"

const at = HostPath.make

describe("removing trees", () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it.effect("one file that cannot be removed does not keep the others, and is told at the end", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({ tree: { "/d/a": "", "/d/b": "", "/d/e/c": "" } })
      const unlink = fs.unlinkSync
      vi.spyOn(fs, "unlinkSync").mockImplementation((path) => {
        if (String(path).endsWith("/a")) throw Object.assign(new Error("EPERM"), { code: "EPERM" })
        unlink(path)
      })
      const action = { _tag: "RemoveTree", root: at("/d"), entries: "everything", reserved: [] } as const
      const error = yield* Effect.flip(portOver(host).removeTree(action))
      assert.deepStrictEqual(error.reason, { _tag: "Denied" })
      assert.deepStrictEqual(fs.readdirSync(join(host.root, "d")), ["a"])
    }),
  )

  it.effect("a root that is reached through a link is emptied, and the link stays", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({ tree: { "/data/kata/bin/x": "", "/data/kata/state/keep": "" } })
      fs.symlinkSync("/data/kata", join(host.root, "kata"))
      const action = {
        _tag: "RemoveTree",
        root: at("/kata"),
        entries: "everything",
        reserved: [at("/kata/state")],
      } as const
      yield* portOver(host).removeTree(action)
      assert.deepStrictEqual(fs.readdirSync(join(host.root, "data/kata")), ["state"])
      assert.isTrue(fs.lstatSync(join(host.root, "kata")).isSymbolicLink())
    }),
  )

  it.effect("no descriptor stays open", () =>
    Effect.gen(function* () {
      if (process.platform !== "linux") return
      const host = yield* sampleHost({ tree: { "/d/a/b/c": "", "/d/e/f": "" } })
      const open = () => fs.readdirSync("/proc/self/fd").length
      const before = open()
      const action = { _tag: "RemoveTree", root: at("/d"), entries: "everything", reserved: [] } as const
      const removal = yield* portOver(host).removeTree(action)
      assert.deepStrictEqual(removal, { removed: 5, left: [] })
      assert.strictEqual(open(), before)
    }),
  )
})
