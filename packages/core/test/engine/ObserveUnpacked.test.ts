import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FileState, Plan, PlanDocument, Run, StatusRun } from "../../src/index.ts"
import { type HostFilesMemory, SampleArchive } from "../../src/testing/index.ts"
import * as Node from "./SampleNode.ts"

const version = { CONTAINER_RUNTIME_VERSION: "containerd://2.1.9" }
const install = Node.request("install", { ...version, SHIMS_X86_64: "qemu clh" })
const cleanup = Node.request("cleanup", { ...version, SHIMS_X86_64: "qemu clh" })
const qemu = Node.path("/opt/kata/bin/qemu-system-x86_64")
const program = (text: string) => FileState.file(text, 0o755)

/** A host after an install. */
const installed = Effect.gen(function* () {
  const files = Node.host({ "/etc/containerd/config.toml": "version = 3\n" })
  yield* Run.run(install).pipe(Node.on(files))
  return files
})

const planned = (request: Run.Request, files: HostFilesMemory.HostFilesMemory) =>
  Effect.map(Run.plan(request).pipe(Node.on(files)), (plan) => ({
    changing: plan.stages.flatMap((stage) =>
      Plan.changingSteps(stage).map(({ action }) => PlanDocument.summary(action)),
    ),
    changed: plan.notices.flatMap(({ code, message }) =>
      code === "unpacked-files-changed" ? [message] : [],
    ),
  }))

const drift = (files: HostFilesMemory.HostFilesMemory) =>
  StatusRun.status({ settings: install.settings, stateDir: undefined, depth: "metadata" }).pipe(
    Effect.map(({ instances }) => instances[0]!.drift.map(({ path }) => path)),
    Node.on(files),
  )

describe("an unpacked file with other bytes of the same size", () => {
  it.effect("is drift, and its component is unpacked again, which says so", () =>
    Effect.gen(function* () {
      const files = yield* installed
      files.tree.set(qemu, program("QEMU"))
      assert.deepStrictEqual(yield* drift(files), [qemu])
      const { changed, changing } = yield* planned(install, files)
      assert.include(changing, "unpack qemu into /opt/kata")
      assert.lengthOf(changed, 1)
      assert.include(changed[0], qemu)
      const report = yield* Run.run(install).pipe(Node.on(files))
      assert.include(
        report.notices.map(({ code }) => code),
        "unpacked-files-changed",
      )
      assert.deepStrictEqual(files.tree.get(qemu), program("qemu"))
      assert.deepStrictEqual(yield* drift(files), [])
    }),
  )

  it.effect("goes with a cleanup, whose plan and report name it", () =>
    Effect.gen(function* () {
      const files = yield* installed
      files.tree.set(qemu, program("QEMU"))
      const { changed } = yield* planned(cleanup, files)
      assert.deepStrictEqual(changed, [
        `What we unpacked was changed by somebody else since, and goes all the same: ${qemu}.`,
      ])
      const report = yield* Run.run(cleanup).pipe(Node.on(files))
      assert.includeMembers(
        report.notices.map(({ message }) => message),
        [...changed],
      )
      assert.strictEqual(files.tree.get(qemu)._tag, "Absent")
    }),
  )

  it.effect("is named when its component goes because no shim needs it any more", () =>
    Effect.gen(function* () {
      const files = yield* installed
      files.tree.set(qemu, program("QEMU"))
      const less = Node.request("install", { ...version, SHIMS_X86_64: "clh" })
      const { changed } = yield* planned(less, files)
      assert.lengthOf(changed, 1)
      assert.include(changed[0], `goes all the same: ${qemu}`)
      yield* Run.run(less).pipe(Node.on(files))
      assert.strictEqual(files.tree.get(qemu)._tag, "Absent")
    }),
  )
})

describe("an unpacked file that was written again with the same bytes", () => {
  it.effect("is no drift, and an install records its times and does nothing else", () =>
    Effect.gen(function* () {
      const files = yield* installed
      files.tree.set(qemu, program("qemu"))
      assert.deepStrictEqual(yield* drift(files), [])
      assert.deepStrictEqual(yield* planned(install, files), {
        changing: ["record what is ours in /opt/kata/.kata-deploy/ledger.json"],
        changed: [],
      })
      yield* Run.run(install).pipe(Node.on(files))
      assert.deepStrictEqual(yield* planned(install, files), { changing: [], changed: [] })
    }),
  )

  it.effect("is nothing that a cleanup speaks of", () =>
    Effect.gen(function* () {
      const files = yield* installed
      files.tree.set(qemu, program("qemu"))
      assert.deepStrictEqual((yield* planned(cleanup, files)).changed, [])
    }),
  )
})

describe("a file that is gone", () => {
  it.effect("cannot be lost, so a cleanup does not speak of it", () =>
    Effect.gen(function* () {
      const files = yield* installed
      files.tree.set(qemu, FileState.absent)
      assert.deepStrictEqual((yield* planned(cleanup, files)).changed, [])
    }),
  )
})

describe("files that an upgrade was about to replace when it died", () => {
  it.effect("are nobody's changes", () =>
    Effect.gen(function* () {
      const upgrade = Effect.gen(function* () {
        const files = yield* installed
        files.faults.reset()
        files.archives.set("tarballs/kata-static-qemu.tar.zst", [
          SampleArchive.file("bin/qemu-system-x86_64", "a newer one", 0o755),
        ])
        return files
      })
      const undisturbed = yield* upgrade
      yield* Run.run(install).pipe(Node.on(undisturbed))
      const files = yield* upgrade
      files.faults.crashAt(undisturbed.faults.operations.findIndex(({ verb }) => verb === "extract") + 1)
      yield* Effect.exit(Run.run(install).pipe(Node.on(files)))
      files.faults.reset()
      assert.deepStrictEqual(files.tree.get(qemu), program("qemu"))
      assert.deepStrictEqual((yield* planned(cleanup, files)).changed, [])
      const { changed, changing } = yield* planned(install, files)
      assert.deepStrictEqual(changed, [])
      assert.include(changing, "unpack qemu into /opt/kata")
    }),
  )
})
