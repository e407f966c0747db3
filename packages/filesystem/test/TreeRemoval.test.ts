import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
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
      const { failed, removed } = yield* portOver(host).removeTree(action)
      assert.deepStrictEqual(failed, [{ path: at("/d/a"), reason: { _tag: "Denied" } }])
      assert.strictEqual(removed, 3)
      assert.deepStrictEqual(fs.readdirSync(join(host.root, "d")), ["a"])
    }),
  )

  it.effect("a directory that cannot be removed is named, and does not keep the others", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({ tree: { "/d/a/x": "", "/d/b/x": "" } })
      for (const name of ["a", "b"]) fs.unlinkSync(join(host.root, "d", name, "x"))
      const rmdir = fs.rmdirSync
      vi.spyOn(fs, "rmdirSync").mockImplementation((path) => {
        if (String(path).endsWith("/a")) throw Object.assign(new Error("EPERM"), { code: "EPERM" })
        rmdir(path)
      })
      const error = yield* Effect.flip(portOver(host).prune([at("/d/a"), at("/d/b")]))
      assert.strictEqual(error.message, "Could not remove /d/a: no permission")
      assert.deepStrictEqual(fs.readdirSync(join(host.root, "d")), ["a"])
    }),
  )

  it.effect(
    "a file on which another one is mounted stays, and so does what somebody mounted beside ours",
    () =>
      Effect.gen(function* () {
        if (process.platform !== "linux" || process.getuid?.() !== 0) return
        const host = yield* sampleHost({ tree: { "/d/ours": "1", "/d/dir/x": "2", "/theirs/y": "3" } })
        const mount = (from: string, to: string) =>
          Effect.acquireRelease(
            Effect.sync(() => execFileSync("mount", ["--bind", join(host.root, from), join(host.root, to)])),
            () => Effect.sync(() => execFileSync("umount", [join(host.root, to)])),
          )
        yield* mount("theirs/y", "d/ours")
        yield* mount("theirs", "d/dir")
        const entries = [{ type: "file", path: "ours", sha256: "", mode: 0o644, size: 1 }] as const
        const action = { _tag: "RemoveTree", root: at("/d"), entries, reserved: [] } as const
        assert.deepStrictEqual(yield* portOver(host).removeTree(action), {
          removed: 0,
          bytes: 0,
          left: [
            { path: at("/d/dir"), why: "mount point" },
            { path: at("/d/ours"), why: "mount point" },
          ],
          failed: [],
        })
        assert.deepStrictEqual(fs.readdirSync(join(host.root, "theirs")), ["y"])
      }),
  )

  it.effect("what is mounted below a tree is emptied, or left alone where that is asked for", () =>
    Effect.gen(function* () {
      if (process.platform !== "linux" || process.getuid?.() !== 0) return
      const host = yield* sampleHost({ tree: { "/theirs/y": "y", "/d/own": "12345" } })
      fs.mkdirSync(join(host.root, "d/dir"))
      const [from, to] = [join(host.root, "theirs"), join(host.root, "d/dir")]
      yield* Effect.acquireRelease(
        Effect.sync(() => execFileSync("mount", ["--bind", from, to])),
        () => Effect.sync(() => execFileSync("umount", [to])),
      )
      const action = { _tag: "RemoveTree", root: at("/d"), entries: "everything", reserved: [] } as const
      const left = [{ path: at("/d/dir"), why: "mount point" }]
      const alone = yield* portOver(host).removeTree({ ...action, mountPoints: "left-alone" })
      assert.deepStrictEqual(alone, { removed: 1, bytes: 5, left, failed: [] })
      assert.deepStrictEqual(fs.readdirSync(from), ["y"])
      const emptied = yield* portOver(host).removeTree(action)
      assert.deepStrictEqual(emptied, { removed: 1, bytes: 1, left, failed: [] })
      assert.deepStrictEqual(fs.readdirSync(from), [])
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
      assert.deepStrictEqual(removal, { removed: 5, bytes: 0, left: [], failed: [] })
      assert.strictEqual(open(), before)
    }),
  )
})
