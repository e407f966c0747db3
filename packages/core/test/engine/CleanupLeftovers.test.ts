import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FileState, HostPath, Run } from "../../src/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const vanilla = hosts.find((host) => host.name === "vanilla containerd 2.1")!
const install = Run.run(Node.request("install", vanilla.variables))
const cleanup = Run.run(Node.request("cleanup", vanilla.variables))
const main = Node.path(vanilla.mainConfig)
const dropIn = Node.path("/opt/kata/containerd/config.d/kata-deploy.toml")
const ledger = Node.path("/opt/kata/.kata-deploy/ledger.json")

describe("a cleanup", () => {
  it.effect("keeps the ledger while a file of ours cannot be looked at, and ends when it can", () =>
    Effect.gen(function* () {
      const versions = Node.path("/opt/kata/versions.yaml")
      const files = Node.host(vanilla.tree)
      const before = Node.snapshot(files)
      yield* install.pipe(Node.on(files))
      const ours = files.tree.get(versions)
      files.tree.set(versions, { _tag: "Unreadable", why: "denied", detail: "no permission" })
      const report = yield* cleanup.pipe(Node.on(files))
      const notices = report.notices.map((n) => n.code)
      assert.include(notices, "owned-file-not-removed")
      assert.strictEqual(files.tree.get(ledger)._tag, "File")
      files.tree.set(versions, ours)
      yield* cleanup.pipe(Node.on(files))
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )

  it.effect("is refused where our import cannot be taken out of a broken main config", () =>
    Effect.gen(function* () {
      const files = Node.host(vanilla.tree)
      yield* install.pipe(Node.on(files))
      const sound = FileState.textOf(files.tree.get(main))!
      files.tree.set(main, FileState.file(`broken = [\n${sound}`))
      const broken = Node.snapshot(files)
      const error = yield* cleanup.pipe(Node.on(files), Effect.flip)
      assert.strictEqual(error._tag, "PrerequisiteError")
      assert.include(error.message, main)
      assert.deepStrictEqual(Node.snapshot(files), broken)
    }),
  )

  it.effect("leaves the drop-in where its import could not be taken out", () =>
    Effect.gen(function* () {
      const files = Node.host(vanilla.tree)
      const before = Node.snapshot(files)
      yield* install.pipe(Node.on(files))
      files.faults.reset()
      files.faults.failOn(main, { _tag: "NoSpace" }, 1)
      yield* cleanup.pipe(Node.on(files), Effect.flip)
      assert.strictEqual(files.tree.get(dropIn)._tag, "File")
      yield* cleanup.pipe(Node.on(files))
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )

  it.effect("without a ledger empties nothing while the main config cannot be looked into", () =>
    Effect.gen(function* () {
      for (const state of [
        FileState.file("broken = ["),
        FileState.link("real.toml"),
        { _tag: "Unreadable", why: "not-utf8", detail: "it is not UTF-8 text" } as const,
      ]) {
        const files = Node.host(vanilla.tree)
        yield* install.pipe(Node.on(files))
        files.tree.set(ledger, FileState.absent)
        files.tree.set(main, state)
        const left = Node.snapshot(files)
        const error = yield* cleanup.pipe(Node.on(files), Effect.flip)
        assert.strictEqual(error._tag, "PrerequisiteError", state._tag)
        assert.deepStrictEqual(Node.snapshot(files), left)
      }
    }),
  )

  it.effect("that forgot the state directory is refused, and names it", () =>
    Effect.gen(function* () {
      const files = Node.host(vanilla.tree)
      const before = Node.snapshot(files)
      const stateDir = HostPath.make("/var/lib/kata-deploy")
      const placed = (action: "install" | "cleanup") =>
        Run.run({ ...Node.request(action, vanilla.variables), stateDir }).pipe(Node.on(files))
      yield* placed("install")
      const error = yield* cleanup.pipe(Node.on(files), Effect.flip)
      assert.include(error.message, stateDir)
      yield* placed("cleanup")
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )

  it.effect("with the ledger of another instance is refused", () =>
    Effect.gen(function* () {
      const files = Node.host(vanilla.tree)
      const stateDir = HostPath.make("/var/lib/kata-deploy")
      yield* Run.run({ ...Node.request("install", vanilla.variables), stateDir }).pipe(Node.on(files))
      const installed = Node.snapshot(files)
      const other = { ...vanilla.variables, MULTI_INSTALL_SUFFIX: "dev" }
      for (const action of ["install", "cleanup"] as const) {
        const error = yield* Run.run({ ...Node.request(action, other), stateDir }).pipe(
          Node.on(files),
          Effect.flip,
        )
        assert.include(error.message, "instance default, not of dev", action)
      }
      assert.deepStrictEqual(Node.snapshot(files), installed)
    }),
  )
})
