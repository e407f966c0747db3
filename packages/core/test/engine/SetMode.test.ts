import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { type ModeReport, PlanDocument, Run, StatusRun } from "../../src/index.ts"
import * as NydusNode from "./NydusNode.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const { codes, dropIn, guestPull, installed, unit } = NydusNode

const hs = "nydus-for-kata-hs"
describe("a change of mode that is shown", () => {
  it.effect("names what changes in the settings and restarts, and touches nothing", () =>
    Effect.gen(function* () {
      const { asked, files, setMode } = yield* installed()
      const before = Node.snapshot(files)
      const { changes, handlers, notices, report, restarts } = yield* setMode("show", "host-share")
      assert.deepStrictEqual(changes[0], {
        variable: "SNAPSHOTTER_HANDLER_MAPPING_X86_64",
        before: "qemu:nydus",
        after: "qemu:nydus-hs",
      })
      assert.deepStrictEqual(handlers, ["kata-qemu"])
      assert.deepStrictEqual(restarts, [{ unit, due: "ours" }])
      assert.isNull(report)
      const told = notices.map(({ code }) => code)
      // What the host check has to say of it, and nothing of a record that is not there.
      assert.includeMembers(told, ["set-mode-pulls-anew", "nydus-hs-guest"])
      assert.notInclude(told, "set-mode-choice-kept")
      assert.deepStrictEqual(asked(), [])
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )

  it.effect("warns of what is changed besides where the settings are not those of the node", () =>
    Effect.gen(function* () {
      const { setMode } = yield* installed()
      const besides = (shown: ModeReport.ModeReport) =>
        shown.notices.find(({ code }) => code === "set-mode-more-changes")
      assert.isUndefined(besides(yield* setMode("show", "host-share")))
      yield* setMode("apply", "host-share")
      assert.isUndefined(besides(yield* setMode("show", "guest-pull")))
      const told = besides(yield* setMode("show", "guest-pull", { variables: {} }))
      assert.strictEqual(told?.severity, "warning")
      assert.include(told?.message, dropIn)
    }),
  )

  it.effect("is shown before anything is installed, too, and said to be nothing to apply", () =>
    Effect.gen(function* () {
      const { setMode } = NydusNode.make()
      const { changes, notices, restarts } = yield* setMode("show", "host-share")
      assert.lengthOf(changes, 3)
      assert.include(
        notices.map(({ code }) => code),
        "set-mode-not-installed",
      )
      assert.deepStrictEqual(restarts, [])
      assert.deepStrictEqual(codes(yield* Effect.flip(setMode("apply", "host-share"))), [
        "E_SET_MODE_NOT_INSTALLED",
      ])
    }),
  )
})

describe("a change of mode of an install that left no ledger", () => {
  it.effect("is left to the install that takes it over", () =>
    Effect.gen(function* () {
      const { setMode } = NydusNode.make({ tree: { "/opt/kata/bin/containerd-shim-kata-v2": "go shim" } })
      assert.deepStrictEqual(codes(yield* Effect.flip(setMode("apply", "host-share"))), [
        "E_SET_MODE_NOT_INSTALLED",
      ])
    }),
  )
})

describe("a change of mode that is carried out", () => {
  it.effect("sets the snapshotter up, writes the drop-in, restarts, and is remembered", () =>
    Effect.gen(function* () {
      const { asked, ledger, on, request, setMode, text } = yield* installed()
      const { report } = yield* setMode("apply", "host-share")
      assert.strictEqual(report?.outcome, "done")
      assert.include(text(dropIn), `snapshotter = "${hs}"`)
      assert.isBelow(asked().indexOf(`restart ${hs}.service`), asked().indexOf(`restart ${unit}`))
      const modes = [
        { shim: "qemu", mode: "host-share", said: { snapshotter: "nydus", pullType: "guest-pull" } },
      ] as const
      assert.deepStrictEqual(ledger()?.modes, modes)
      const { settings, stateDir } = request("install")
      const { instances } = yield* on(StatusRun.status({ settings, stateDir, depth: "metadata" }))
      assert.deepStrictEqual(instances[0]?.modes, modes)
    }),
  )

  it.effect("is kept by the next install, which changes nothing and gives it as the reason", () =>
    Effect.gen(function* () {
      const { asked, files, forget, on, request, setMode } = yield* installed()
      yield* setMode("apply", "host-share")
      const before = Node.snapshot(files)
      forget()
      const plan = yield* on(Run.plan(request("install")))
      const steps = plan.stages.flatMap((stage) => stage.steps)
      const written = steps.filter(({ because }) => because.includes("set-mode put qemu into host-share"))
      assert.sameMembers(
        written.map(({ action }) => PlanDocument.summary(action).replace("keep ", "")),
        [dropIn, `/opt/kata/${hs}/config-host-sharing.toml`, `/etc/systemd/system/${hs}.service`],
      )
      assert.include(
        plan.notices.map(({ code }) => code),
        "set-mode-choice-kept",
      )
      yield* on(Run.run(request("install")))
      assert.deepStrictEqual(asked(), [])
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )

  it.effect("twice changes nothing the second time", () =>
    Effect.gen(function* () {
      const { asked, files, forget, setMode } = yield* installed()
      yield* setMode("apply", "host-share")
      const before = Node.snapshot(files)
      forget()
      const { changes } = yield* setMode("apply", "host-share")
      assert.deepStrictEqual(changes, [])
      assert.deepStrictEqual(asked(), [])
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )

  it.effect("and back is an install of the settings, and nothing is remembered", () =>
    Effect.gen(function* () {
      const { files, ledger, setMode } = yield* installed()
      const before = Node.snapshot(files)
      yield* setMode("apply", "host-share")
      yield* setMode("apply", "guest-pull")
      assert.isUndefined(ledger()?.modes)
      // The journals tell of what was.
      const without = (tree: ReturnType<typeof Node.snapshot>) =>
        Object.fromEntries(Object.entries(tree).filter(([path]) => !path.includes("/journal/")))
      assert.deepStrictEqual(without(Node.snapshot(files)), without(before))
    }),
  )

  it.effect("gives way to settings that change, and that is told", () =>
    Effect.gen(function* () {
      const { ledger, on, request, setMode, text } = yield* installed()
      yield* setMode("apply", "host-share")
      const settings = { ...guestPull, SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:overlayfs" }
      const report = yield* on(Run.run(request("install", settings)))
      const told = report.notices.find(({ code }) => code === "set-mode-choice-overridden")
      assert.include(told?.message, "nydus")
      assert.include(told?.message, "overlayfs")
      assert.include(text(dropIn), `snapshotter = "overlayfs"`)
      assert.isUndefined(ledger()?.modes)
      // The settings of before do not bring it back.
      yield* on(Run.run(request("install")))
      assert.include(text(dropIn), `snapshotter = "nydus-for-kata-tee"`)
    }),
  )

  it.effect("is kept by stages that run one by one", () =>
    Effect.gen(function* () {
      const { asked, forget, on, request, setMode, text } = yield* installed()
      yield* setMode("apply", "host-share")
      forget()
      yield* on(Run.run(request("install-stage-host-check")))
      yield* on(Run.run(request("install-stage-artifacts")))
      yield* on(Run.run(request("install-stage-cri")))
      assert.deepStrictEqual(asked(), [])
      assert.include(text(dropIn), `snapshotter = "${hs}"`)
    }),
  )

  it.effect("is forgotten by a cleanup, which leaves the tree as it was", () =>
    Effect.gen(function* () {
      const { files, fresh, on, request, setMode } = yield* installed()
      yield* setMode("apply", "host-share")
      yield* on(Run.run(request("cleanup")))
      assert.deepStrictEqual(Node.snapshot(files), fresh)
    }),
  )

  it.effect("goes with the handlers where only the first stage of a cleanup ran", () =>
    Effect.gen(function* () {
      const { ledger, on, request, setMode, text } = yield* installed()
      yield* setMode("apply", "host-share")
      yield* on(Run.run(request("cleanup-stage-revert-cri")))
      assert.isUndefined(ledger()?.modes)
      yield* on(Run.run(request("install")))
      assert.include(text(dropIn), `snapshotter = "nydus-for-kata-tee"`)
    }),
  )

  it.effect("is taken back and not remembered where the runtime does not come back", () =>
    Effect.gen(function* () {
      const { asked, forget, ledger, on, request, setMode, shell, text } = yield* installed()
      shell.faults.failOn(unit, { _tag: "Refused", detail: "exit-code" }, 1)
      const error = yield* Effect.flip(setMode("apply", "host-share"))
      assert.strictEqual(error._tag, "ApplyError")
      assert.include(text(dropIn), `snapshotter = "nydus-for-kata-tee"`)
      assert.isUndefined(ledger()?.modes)
      assert.deepStrictEqual(asked().slice(-2), [`restart ${unit}`, `await ${unit}`])
      forget()
      yield* on(Run.run(request("install")))
      assert.include(text(dropIn), `snapshotter = "nydus-for-kata-tee"`)
      assert.notInclude(asked(), `restart ${unit}`)
      // What it had set up goes again.
      assert.include(asked(), `stop ${hs}.service`)
    }),
  )

  it.effect("is named by an install that cannot hold to it, since the settings say nothing of it", () =>
    Effect.gen(function* () {
      const { files, on, request, setMode } = yield* installed()
      yield* setMode("apply", "host-share")
      files.programs.delete("nydus-snapshotter/nydus-image")
      const before = Node.snapshot(files)
      for (const action of ["install", "install-stage-host-check", "install-stage-artifacts"] as const) {
        const error = yield* Effect.flip(on(Run.run(request(action))))
        assert.deepStrictEqual(codes(error), ["E_NYDUS_PROGRAM_MISSING"])
        assert.include(error.message, "set-mode puts qemu into host-share")
      }
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )

  /** A change of mode where guest pull is forced, with which the runtime does not come back. */
  const refused = Effect.fnUntraced(function* (failsAt?: number) {
    const variables = { ...guestPull, EXPERIMENTAL_FORCE_GUEST_PULL_X86_64: "qemu" }
    const { files, forget, on, request, setMode, shell } = NydusNode.make()
    const configs = () => Object.entries(Node.snapshot(files)).filter(([path]) => path.includes("/share/"))
    yield* on(Run.run(request("install", variables)))
    const before = configs()
    forget()
    shell.faults.failOn(unit, { _tag: "Refused", detail: "exit-code" }, 1)
    if (failsAt !== undefined) files.faults.failAt(failsAt, { _tag: "NoSpace" })
    const error = yield* Effect.flip(setMode("apply", "host-share", { variables }))
    if (error._tag !== "ApplyError") throw error
    const written = files.faults.operations.map(({ subject }) => subject)
    return { before, after: configs(), report: error.report, written }
  })

  it.effect("leaves Kata's own configuration to the mode that the runtime keeps", () =>
    Effect.gen(function* () {
      const { after, before, report } = yield* refused()
      assert.include(JSON.stringify(before), "experimental_force_guest_pull = true")
      assert.deepStrictEqual(after, before)
      assert.strictEqual(report.outcome, "failed")
      assert.strictEqual(report.notices.at(-1)?.code, "set-mode-taken-back")
    }),
  )

  it.effect("asks for a person where that configuration cannot be written back", () =>
    Effect.gen(function* () {
      const { before, written } = yield* refused()
      const path = before.find(([, file]) => JSON.stringify(file).includes("experimental_force"))![0]
      const last = written.findLastIndex((subject) => subject === path) + 1
      const { after, report } = yield* refused(last)
      assert.notDeepEqual(after, before)
      assert.strictEqual(report.outcome, "incomplete")
      assert.lengthOf(report.failures, 2)
    }),
  )

  it.effect("is forgotten where the last stage is rolled back by hand", () =>
    Effect.gen(function* () {
      const { ledger, on, request, setMode, text } = yield* installed()
      yield* setMode("apply", "host-share")
      yield* on(Run.run(request("rollback")))
      assert.isUndefined(ledger()?.modes)
      assert.include(text(dropIn), `snapshotter = "nydus-for-kata-tee"`)
      yield* on(Run.run(request("install")))
      assert.include(text(dropIn), `snapshotter = "nydus-for-kata-tee"`)
    }),
  )

  for (const host of hosts.filter(({ name }) => name !== "CRI-O"))
    it.effect(`is kept by installs and gone with a cleanup on ${host.name}`, () =>
      Effect.gen(function* () {
        const { files, fresh, on, request, setMode } = yield* installed({ host })
        yield* setMode("apply", "host-share")
        const before = Node.snapshot(files)
        assert.include(JSON.stringify(before), `snapshotter = \\"${hs}\\"`)
        yield* on(Run.run(request("install")))
        assert.deepStrictEqual(Node.snapshot(files), before)
        yield* on(Run.run(request("cleanup")))
        assert.deepStrictEqual(Node.snapshot(files), fresh)
      }),
    )

  it.effect("is whole or not at all after a crash at any step, once an install ran", () =>
    Effect.gen(function* () {
      const trial = yield* installed()
      yield* trial.setMode("apply", "host-share")
      const kept = trial.files.faults.operations.length
      const outcomes = new Set<string>()
      for (let at = 1; at <= kept; at++) {
        const { files, forget, ledger, on, request, setMode, text } = yield* installed()
        files.faults.crashAt(at, "after")
        assert.isTrue(Exit.isFailure(yield* Effect.exit(setMode("apply", "host-share"))))
        forget()
        yield* on(Run.run(request("install")))
        const name = ledger()?.modes === undefined ? "nydus-for-kata-tee" : hs
        outcomes.add(name)
        assert.include(text(dropIn), `snapshotter = "${name}"`)
      }
      assert.sameMembers([...outcomes], ["nydus-for-kata-tee", hs])
    }),
  )
})

describe("a change of mode that died", () => {
  it.effect("is completed by the same once more, wherever that was", () =>
    Effect.gen(function* () {
      const trial = yield* installed()
      yield* trial.setMode("apply", "host-share")
      const kept = trial.files.faults.operations.length
      for (let at = 1; at <= kept; at++) {
        const { files, forget, ledger, setMode, text } = yield* installed()
        files.faults.crashAt(at, "after")
        assert.isTrue(Exit.isFailure(yield* Effect.exit(setMode("apply", "host-share"))))
        forget()
        yield* setMode("apply", "host-share")
        assert.isDefined(ledger()?.modes, `${at}`)
        assert.include(text(dropIn), `snapshotter = "${hs}"`)
      }
    }),
  )
})
