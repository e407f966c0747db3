import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FileState, HostFiles, Run } from "../../src/index.ts"
import * as Removal from "../../src/engine/Removal.ts"
import * as NydusNode from "./NydusNode.ts"
import * as Node from "./SampleNode.ts"

const path = Node.path
const denied = { _tag: "Denied" } as const

describe("a removal", () => {
  it("of which everything went is no failure", () => {
    assert.strictEqual(Removal.failureOf({ failed: [] }), undefined)
  })

  it("of which one path or several stay names the first and says how many there are", () => {
    const one = { path: path("/opt/kata/a"), reason: denied }
    assert.strictEqual(
      Removal.failureOf({ failed: [one] })?.message,
      "Could not remove /opt/kata/a: no permission",
    )
    assert.strictEqual(
      Removal.failureOf({ failed: [one, { ...one, path: path("/opt/kata/b") }] })?.message,
      "Could not remove 2 paths, the first of which is /opt/kata/a: no permission",
    )
  })
})

describe("a cleanup that cannot remove a file", () => {
  const version = { CONTAINER_RUNTIME_VERSION: "containerd://2.1.9" }
  const stuck = path("/opt/kata/bin/qemu-system-x86_64")
  const foreign = path("/opt/kata/bin/theirs")

  it.effect("names it and everything else that stays, keeps the ledger, and the next one is finished", () =>
    Effect.gen(function* () {
      const files = Node.host({ "/etc/containerd/config.toml": "version = 3\n" })
      const before = Node.snapshot(files)
      yield* Run.run(Node.request("install", version)).pipe(Node.on(files))
      const port = yield* Effect.provide(HostFiles.HostFiles, files.layer)
      const removeTree: typeof port.removeTree = (action) =>
        Effect.map(
          port.removeTree({
            ...action,
            entries:
              action.entries === "everything"
                ? action.entries
                : action.entries.filter((entry) => !stuck.endsWith(entry.path)),
          }),
          ({ left, removed }) => ({
            removed,
            bytes: 0,
            left: [...left.filter((one) => one.path !== stuck), { path: foreign, why: "not ours" }],
            failed: [{ path: stuck, reason: denied }],
          }),
        )
      const cleanup = Run.run(Node.request("cleanup", version))
      const error = yield* Effect.flip(
        Effect.provideService(cleanup, HostFiles.HostFiles, { ...port, removeTree }).pipe(Node.on(files)),
      )
      assert(error._tag === "ApplyError")
      assert.deepStrictEqual(error.report.failures, [`Could not remove ${stuck}: no permission`])
      assert.deepStrictEqual(error.report.left, [
        { path: foreign, why: "not ours" },
        { path: stuck, why: "could not be removed: no permission" },
      ])
      assert.strictEqual(files.tree.get(path("/opt/kata/.kata-deploy/ledger.json"))._tag, "File")
      yield* cleanup.pipe(Node.on(files))
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )
})

describe("an install that takes a component away", () => {
  it.effect("leaves behind what is somebody else's, and not what of ours stays or goes later", () =>
    Effect.gen(function* () {
      const { files, on, request } = NydusNode.make()
      yield* on(Run.run(request("install")))
      const extra = path("/opt/kata/extra")
      files.tree.set(extra, FileState.file("theirs"))
      const { left } = yield* on(Run.run(request("install", {})))
      assert.strictEqual(files.tree.get(path("/opt/kata/nydus-for-kata-tee"))._tag, "Absent")
      assert.deepStrictEqual(left, [{ path: extra, why: "not ours" }])
    }),
  )
})
