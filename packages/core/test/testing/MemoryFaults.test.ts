import { assert, describe, it } from "@effect/vitest"
import { Change, FileState, HostFiles, HostPath } from "@kata-deploy/core"
import { HostFilesMemory, MemoryFaults } from "@kata-deploy/core/testing"
import { Cause, Effect, Exit } from "effect"

const put = (path: string) =>
  Effect.gen(function* () {
    const host = yield* HostFiles.HostFiles
    yield* host.put(
      Change.make(HostPath.make(path), FileState.absent, FileState.file("x")),
      HostPath.make("/"),
    )
  })

const three = Effect.all([put("/a"), put("/b"), put("/c")], { discard: true })

describe("planted faults", () => {
  it.effect("the n-th operation fails with the given reason, and nothing after it happens", () =>
    Effect.gen(function* () {
      const double = HostFilesMemory.make()
      double.faults.failAt(2, { _tag: "NoSpace" })
      const error = yield* Effect.flip(Effect.provide(three, double.layer))
      assert.deepStrictEqual(error.reason, { _tag: "NoSpace" })
      assert.deepStrictEqual(Object.keys(double.snapshot()), ["/a"])
      assert.deepStrictEqual(double.faults.operations, [
        { verb: "put", subject: "/a" },
        { verb: "put", subject: "/b" },
      ])
    }),
  )

  it.effect("a path fails as often as it was told to", () =>
    Effect.gen(function* () {
      const double = HostFilesMemory.make()
      double.faults.failOn("/b", { _tag: "Denied" }, 1)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.provide(put("/b"), double.layer))))
      yield* Effect.provide(put("/b"), double.layer)
      assert.deepStrictEqual(Object.keys(double.snapshot()), ["/b"])
    }),
  )

  it.effect("an operation can fail after it was done, as one does whose directory cannot be synced", () =>
    Effect.gen(function* () {
      const double = HostFilesMemory.make()
      double.faults.failAt(2, { _tag: "Io", code: "EIO" }, "after")
      const error = yield* Effect.flip(Effect.provide(three, double.layer))
      assert.deepStrictEqual(error.reason, { _tag: "Io", code: "EIO" })
      assert.deepStrictEqual(Object.keys(double.snapshot()), ["/a", "/b"])
    }),
  )

  for (const [when, done] of [
    ["before", ["/a"]],
    ["after", ["/a", "/b"]],
  ] as const) {
    it.effect(`a process that dies ${when} an operation has done ${done.join(" and ")}`, () =>
      Effect.gen(function* () {
        const double = HostFilesMemory.make()
        double.faults.crashAt(2, when)
        const exit = yield* Effect.exit(Effect.provide(three, double.layer))
        assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof MemoryFaults.Crash)
        assert.deepStrictEqual(Object.keys(double.snapshot()), [...done])
        double.faults.reset()
        assert.deepStrictEqual(double.faults.operations, [])
      }),
    )
  }
})

describe("what a double of HostFiles can pretend", () => {
  it.effect("read-only trees, mount points, free space and paths that are out of sight", () =>
    Effect.gen(function* () {
      const double = HostFilesMemory.make({
        tree: { "/ro/f": "x", "/opt/kata/d/f": "x" },
        readOnly: ["/ro"],
        mountPoints: ["/opt/kata"],
        outOfSight: ["/root"],
        freeBytes: 5,
      })
      const at = HostPath.make
      yield* Effect.gen(function* () {
        const host = yield* HostFiles.HostFiles
        assert.deepStrictEqual(yield* host.mayWrite(at("/ro/f")), { _tag: "Known", value: false })
        assert.deepStrictEqual(yield* host.isMountPoint(at("/opt/kata")), { _tag: "Known", value: true })
        assert.deepStrictEqual(yield* host.freeBytes(at("/")), { _tag: "Known", value: 5 })
        assert.deepInclude(yield* host.look(at("/root/x")), { _tag: "Unreadable", why: "out-of-sight" })
        assert.deepStrictEqual((yield* Effect.flip(put("/ro/new"))).reason, { _tag: "ReadOnly" })
        assert.deepStrictEqual(yield* host.prune([at("/opt/kata")]), [])
      }).pipe(Effect.provide(double.layer))
    }),
  )
})
