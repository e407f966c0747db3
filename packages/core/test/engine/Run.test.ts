import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FileState, HostFiles, Plan, PlanDocument, Progress, Run } from "../../src/index.ts"
import { SampleArchive } from "../../src/testing/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const shims = { SHIMS_X86_64: "qemu clh qemu-runtime-rs" }

/** How often components are compared with what is on the host. */
const comparisons = <A, E>(use: Effect.Effect<A, E, Run.Requirements>) =>
  Effect.gen(function* () {
    const files = yield* HostFiles.HostFiles
    let count = 0
    const drift: typeof files.drift = (...args) => {
      count++
      return files.drift(...args)
    }
    yield* Effect.provideService(use, HostFiles.HostFiles, { ...files, drift })
    return count
  })

describe("What a plan tells that is made again in mid-run", () => {
  it.effect("is in the report, once", () =>
    Effect.gen(function* () {
      const host = hosts[0]!
      const files = Node.host(host.tree)
      const qemu = Node.path("/opt/kata/bin/qemu-system-x86_64")
      yield* Run.run(Node.request("install", host.variables)).pipe(Node.on(files))
      /** Somebody changes a program while the configuration is taken back. */
      const tell = (event: Progress.ProgressEvent) =>
        event._tag === "StageDone" && event.stage === "revert-cri"
          ? Effect.sync(() => void files.tree.set(qemu, FileState.file("theirs, and longer", 0o755)))
          : Effect.void
      const report = yield* Effect.provideService(
        Run.run(Node.request("cleanup", host.variables)),
        Progress.Progress,
        { tell },
      ).pipe(Node.on(files))
      const told = report.notices.filter(({ code }) => code === "unpacked-files-changed")
      assert.lengthOf(told, 1)
      assert.include(told[0]!.message, qemu)
      assert.lengthOf(new Set(report.notices.map((notice) => JSON.stringify(notice))), report.notices.length)
    }),
  )
})

describe("Run", () => {
  for (const host of hosts) {
    const variables = { ...host.variables, ...shims }
    it.effect(`law L2: install and cleanup leave ${host.name} as it was`, () =>
      Effect.gen(function* () {
        const files = Node.host(host.tree)
        const before = Node.snapshot(files)
        yield* Run.run(Node.request("install", variables)).pipe(Node.on(files))
        assert.notDeepEqual(Node.snapshot(files), before)
        yield* Run.run(Node.request("cleanup", variables)).pipe(Node.on(files))
        assert.deepStrictEqual(Node.snapshot(files), before)
      }),
    )

    it.effect(`law L1: a second install changes nothing on ${host.name}`, () =>
      Effect.gen(function* () {
        const files = Node.host(host.tree)
        yield* Run.run(Node.request("install", variables)).pipe(Node.on(files))
        const installed = Node.snapshot(files)
        const plan = yield* Run.plan(Node.request("install", variables)).pipe(Node.on(files))
        assert.deepStrictEqual(
          plan.stages.flatMap((stage) =>
            Plan.changingSteps(stage).map((s) => PlanDocument.summary(s.action)),
          ),
          [],
        )
        yield* Run.run(Node.request("install", variables)).pipe(Node.on(files))
        assert.deepStrictEqual(Node.snapshot(files), installed)
      }),
    )

    it.effect(`a second install compares every component on ${host.name} once, as its plan does`, () =>
      Effect.gen(function* () {
        const files = Node.host(host.tree)
        const install = Node.request("install", variables)
        yield* Run.run(install).pipe(Node.on(files))
        const planned = yield* comparisons(Run.plan(install)).pipe(Node.on(files))
        assert.isAbove(planned, 0)
        assert.strictEqual(yield* comparisons(Run.run(install)).pipe(Node.on(files)), planned)
      }),
    )

    it.effect(`an upgrade on ${host.name} compares every component once more when it is unpacked`, () =>
      Effect.gen(function* () {
        const files = Node.host(host.tree)
        const install = Node.request("install", variables)
        yield* Run.run(install).pipe(Node.on(files))
        const planned = yield* comparisons(Run.plan(install)).pipe(Node.on(files))
        files.archives.set("tarballs/kata-static-qemu.tar.zst", [
          SampleArchive.file("bin/qemu-system-x86_64", "a newer one", 0o755),
        ])
        assert.strictEqual(yield* comparisons(Run.run(install)).pipe(Node.on(files)), 2 * planned)
      }),
    )

    it.effect(`a stage of a cleanup on ${host.name} that is repeated has nothing to do`, () =>
      Effect.gen(function* () {
        const files = Node.host(host.tree)
        yield* Run.run(Node.request("install", variables)).pipe(Node.on(files))
        for (const action of ["cleanup-stage-revert-cri", "cleanup-stage-remove-artifacts"] as const) {
          yield* Run.run(Node.request(action, variables)).pipe(Node.on(files))
          const { stages } = yield* Run.plan(Node.request(action, variables)).pipe(Node.on(files))
          assert.deepStrictEqual(
            stages.flatMap(({ steps }) => steps.map(({ action: each }) => PlanDocument.summary(each))),
            [],
          )
        }
      }),
    )

    it.effect(`the staged actions end on ${host.name} where install and cleanup end`, () =>
      Effect.gen(function* () {
        const whole = Node.host(host.tree)
        const staged = Node.host(host.tree)
        const before = Node.snapshot(staged)
        yield* Run.run(Node.request("install", variables)).pipe(Node.on(whole))
        for (const action of [
          "install-stage-host-check",
          "install-stage-artifacts",
          "install-stage-cri",
        ] as const) {
          yield* Run.run(Node.request(action, variables)).pipe(Node.on(staged))
        }
        assert.deepStrictEqual(Node.snapshot(staged), Node.snapshot(whole))
        for (const action of ["cleanup-stage-revert-cri", "cleanup-stage-remove-artifacts"] as const) {
          yield* Run.run(Node.request(action, variables)).pipe(Node.on(staged))
        }
        assert.deepStrictEqual(Node.snapshot(staged), before)
      }),
    )

    it.effect(`fewer shims leave on ${host.name} what they alone would have put there`, () =>
      Effect.gen(function* () {
        const files = Node.host(host.tree)
        const before = Node.snapshot(files)
        yield* Run.run(Node.request("install", variables)).pipe(Node.on(files))
        yield* Run.run(Node.request("install", host.variables)).pipe(Node.on(files))
        const fewer = Node.snapshot(files)
        assert.notProperty(fewer, "/opt/kata/runtime-rs/bin/containerd-shim-kata-v2")
        yield* Run.run(Node.request("install", host.variables)).pipe(Node.on(files))
        assert.deepStrictEqual(Node.snapshot(files), fewer)
        yield* Run.run(Node.request("cleanup", host.variables)).pipe(Node.on(files))
        assert.deepStrictEqual(Node.snapshot(files), before)
      }),
    )
  }
})
