import { assert, describe, it } from "@effect/vitest"
import { HostLayout, HostPath, ProbeFile } from "@kata-deploy/core"
import { Effect } from "effect"
import fs from "node:fs"
import { look } from "../src/ProbeFile.ts"
import type { Ended, NotRun, RunProgram } from "../src/Program.ts"
import * as SampleRoot from "./sight/SampleRoot.ts"

const here = HostLayout.wholeRoot("/")
const tmp = HostPath.make(fs.realpathSync("/tmp"))

/** A program that ends like this, and the directories that it was run on. */
const ending = (how: Partial<Ended> | NotRun) => {
  const asked: Array<string> = []
  const run: RunProgram = (argv) =>
    Effect.suspend(() => {
      asked.push(argv.at(-1)!)
      return "_tag" in how ? Effect.fail(how) : Effect.succeed({ code: 0, stdout: "", stderr: "", ...how })
    })
  return { asked, run }
}

const printing = (answer: object) => ending({ stdout: JSON.stringify(answer) })

const whyOf = (probe: ProbeFile.ProbeFile): string => {
  assert.deepStrictEqual(probe, ProbeFile.untried((probe.fsverity as { why: string }).why))
  return (probe.fsverity as { why: string }).why
}

describe("a probe file", () => {
  it.live("is really tried on this machine, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const root = yield* SampleRoot.make({ "store/": "" })
      const directory = HostPath.make(`${root}/store`)
      const before = fs.statSync(directory, { bigint: true })
      const { fsverity, immutable } = yield* look(here, directory)
      // What the filesystem of a test is like nobody knows; that it could be asked is what counts.
      const asRoot = process.getuid?.() === 0
      if (asRoot) for (const tried of [fsverity, immutable]) assert.notStrictEqual(tried._tag, "Unknown")
      assert.deepStrictEqual(fs.readdirSync(directory), [])
      const after = fs.statSync(directory, { bigint: true })
      assert.deepStrictEqual([after.mtimeNs, after.ctimeNs], [before.mtimeNs, before.ctimeNs])
    }),
  )

  it.effect("is accepted where both calls succeed", () =>
    Effect.gen(function* () {
      const { asked, run } = printing({ immutable: 0, fsverity: 0 })
      assert.deepStrictEqual(yield* look(here, tmp, run), {
        fsverity: ProbeFile.accepted,
        immutable: ProbeFile.accepted,
      })
      assert.deepStrictEqual(asked, [tmp])
    }),
  )

  it.effect("is refused where the kernel has no such thing there, and only then", () =>
    Effect.gen(function* () {
      const { ENOTTY, EOPNOTSUPP, EINVAL, EPERM, EROFS } = (yield* Effect.promise(() => import("node:os")))
        .constants.errno
      for (const errno of [ENOTTY, EOPNOTSUPP, EINVAL]) {
        const { fsverity, immutable } = yield* look(
          here,
          tmp,
          printing({ immutable: errno, fsverity: errno }).run,
        )
        assert.deepStrictEqual([fsverity._tag, immutable._tag], ["Refused", "Refused"])
      }
      for (const errno of [EPERM, EROFS, 9999]) {
        const { fsverity, immutable } = yield* look(
          here,
          tmp,
          printing({ immutable: errno, fsverity: 0 }).run,
        )
        assert.deepStrictEqual([fsverity._tag, immutable._tag], ["Accepted", "Unknown"])
      }
      const { immutable } = yield* look(here, tmp, printing({ immutable: EPERM, fsverity: 0 }).run)
      assert(immutable._tag === "Unknown")
      assert.match(immutable.why, new RegExp(`immutable flag on a file in ${tmp} failed \\(EPERM\\)`))
    }),
  )

  it.effect(
    "is made in the nearest directory above where containerd's is not there yet, links followed",
    () =>
      Effect.gen(function* () {
        const root = yield* SampleRoot.make({
          "disk/there/": "",
          "var/lib/containerd": new SampleRoot.LinkTo("../../disk/there"),
        })
        const { asked, run } = printing({ immutable: 0, fsverity: 0 })
        yield* look(here, HostPath.make(`${root}/var/lib/containerd/plugin/deep`), run)
        assert.deepStrictEqual(asked, [`${root}/disk/there`])
      }),
  )

  it.effect("is not made where the layout does not show the directory, or shows another machine's", () =>
    Effect.gen(function* () {
      const root = yield* SampleRoot.make({ "var/lib/containerd/": "", "var/lib/file": "" })
      const { asked, run } = printing({ immutable: 0, fsverity: 0 })
      const store = HostPath.make("/var/lib/containerd")
      const pod = HostLayout.pod({ containerdConfigDir: HostPath.make("/etc/containerd"), installDir: tmp })
      const elsewhere = { mounts: [{ host: store, seen: `${root}/nowhere` }] }
      assert.include(whyOf(yield* look({ mounts: [] }, store, run)), "not mounted")
      assert.include(whyOf(yield* look(elsewhere, store, run)), "not mounted")
      assert.include(whyOf(yield* look(HostLayout.wholeRoot(root), store, run)), "another root")
      assert.include(
        whyOf(yield* look(here, HostPath.make(`${root}/var/lib/file/x`), run)),
        "is no directory",
      )
      assert.deepStrictEqual(asked, [])
      // In a pod that has the mount it is made there.
      assert.strictEqual(HostLayout.toSeen(pod, store), "/var/lib/containerd")
      yield* look({ mounts: [{ host: store, seen: `${root}/var/lib/containerd` }] }, store, run)
      assert.deepStrictEqual(asked, [`${root}/var/lib/containerd`])
    }),
  )

  it.effect("is unknown where its program cannot make one, breaks, hangs, or is not there", () =>
    Effect.gen(function* () {
      const why = Effect.fnUntraced(function* (how: Parameters<typeof ending>[0]) {
        return whyOf(yield* look(here, tmp, ending(how).run))
      })
      assert.match(
        yield* why({ stdout: '{"failed":"EROFS"}' }),
        /no probe file could be made in .* \(EROFS\)/,
      )
      assert.match(yield* why({ code: 139, stdout: "" }), /program broke \(status 139\)/)
      assert.match(yield* why({ code: 1, stdout: "No such built-in module: node:ffi" }), /this Node \(v/)
      assert.match(yield* why({ _tag: "TimedOut", seconds: 10 }), /did not end within 10 s/)
      assert.match(yield* why({ _tag: "Missing", code: "ENOENT" }), /ENOENT/)
    }),
  )
})
