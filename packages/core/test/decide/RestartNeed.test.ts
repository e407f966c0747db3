import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  Distribution,
  Fact,
  FileState,
  HostPath,
  type HostShell,
  Ledger,
  type Plan,
  RestartNeed,
} from "../../src/index.ts"

const notAsked = Fact.unknown("not-asked", "the operator chose so")

const decide = (
  runtime: Distribution.CriRuntime,
  startedWith: string | null,
  control: Fact.Fact<"systemd"> = Fact.known("systemd"),
) =>
  RestartNeed.hasLoaded({ ledger: { startedWith }, digest: "now", run: notAsked })
    ? undefined
    : RestartNeed.of(Distribution.rowOf(runtime), control)

const digest = (files: ReadonlyArray<readonly [path: string, state: FileState.FileState]>): string =>
  RestartNeed.loadedDigest(
    files.map(([path]) => HostPath.make(path)),
    (path) => files.find(([other]) => other === path)![1],
  )

describe("RestartNeed", () => {
  it("is none when the runtime was started with what is on disk", () => {
    for (const runtime of Distribution.runtimeNames) assert.isUndefined(decide(runtime, "now"))
  })

  for (const startedWith of [null, "before"]) {
    it(`is due when the runtime was started with ${startedWith ?? "we do not know what"}`, () => {
      assert.deepStrictEqual(decide("k3s", startedWith), { unit: "k3s.service", due: "ours" })
    })
  }

  it("is due but not ours where no unit may be controlled", () => {
    assert.deepStrictEqual(decide("containerd", null, notAsked), {
      unit: "containerd.service",
      due: "not-ours",
    })
  })

  it("is nobody's where the distribution reloads by itself", () => {
    for (const control of [Fact.known("systemd" as const), notAsked]) {
      assert.deepStrictEqual(decide("k0s-worker", null, control), {
        unit: "k0sworker.service",
        due: "reloads-itself",
      })
    }
  })

  const runOf = (run: Partial<HostShell.UnitRun> | undefined): Fact.Fact<HostShell.UnitRun> =>
    run === undefined
      ? notAsked
      : Fact.known({
          state: "active",
          subState: "running",
          result: "success",
          mainPid: 7,
          activeSince: 2000,
          restarts: 0,
          needsReload: false,
          ...run,
        })

  describe("of what a stage that was cut off may have had loaded", () => {
    const ledger = (restarting: Ledger.Ledger["restarting"]): Ledger.Ledger => ({
      ...Ledger.empty("default", "1", "containerd"),
      ...(restarting === undefined ? {} : { restarting }),
    })
    const may = (
      restarting: Ledger.Ledger["restarting"],
      run: Partial<HostShell.UnitRun> | undefined,
      stages: ReadonlyArray<Plan.StageName> = ["cri"],
    ) =>
      RestartNeed.mayHaveLoaded(
        { ledger: { _tag: "Recovered", ledger: ledger(restarting), stages } },
        runOf(run),
      )

    it("is due unless the unit is active since the same time as before", () => {
      const asked = { with: "x", since: 1000 }
      assert.isTrue(may(asked, { activeSince: 9000 }))
      assert.isTrue(may(asked, { state: "failed" }))
      assert.isTrue(may(asked, undefined))
      assert.isTrue(may({ with: "x", since: null }, { activeSince: 1000 }))
      assert.isFalse(may(asked, { activeSince: 1200 }))
    })

    it("is none where none was asked for, or by another stage, or the stage came to its end", () => {
      const asked = { with: "x", since: 1000 }
      assert.isFalse(may(undefined, undefined))
      assert.isFalse(may(asked, undefined, ["artifacts"]))
      assert.isFalse(RestartNeed.mayHaveLoaded({ ledger: { _tag: "Read", ledger: ledger(asked) } }, notAsked))
    })
  })

  describe("of a restart that ended this program itself", () => {
    const asked = (
      run: Partial<HostShell.UnitRun> | undefined,
      restarting: { readonly with: string; readonly since: number | null } | undefined,
      startedWith: string | null = null,
    ) =>
      RestartNeed.hasLoaded({
        ledger: { startedWith, ...(restarting === undefined ? {} : { restarting }) },
        digest: "now",
        run: runOf(run),
      })

    it("is believed when the unit became active at another time than before it was asked for", () => {
      assert.isTrue(asked({}, { with: "now", since: 1000 }))
      assert.isTrue(asked({}, { with: "now", since: null }))
    })

    it("is none when the unit is active since the same time: it was asked for and never came to pass", () => {
      assert.isFalse(asked({}, { with: "now", since: 2000 }))
      assert.isFalse(asked({}, { with: "now", since: 1998 }), "told by a clock that was set meanwhile")
    })

    it("is none when the unit is not active, or nobody knows since when", () => {
      assert.isFalse(asked({ state: "failed" }, { with: "now", since: 1000 }))
      assert.isFalse(asked({ state: "activating" }, { with: "now", since: 1000 }))
      for (const since of [1000, null])
        assert.isFalse(asked({ activeSince: undefined }, { with: "now", since }))
      assert.isFalse(asked(undefined, { with: "now", since: 1000 }))
    })

    it("is due again when the runtime failed since, whatever it was started with", () => {
      assert.isFalse(asked({ state: "failed" }, undefined, "now"))
      for (const state of ["active", "inactive", "activating"] as const)
        assert.isTrue(asked({ state }, undefined, "now"), state)
    })

    it("says nothing of other bytes than it was asked for with", () => {
      assert.isFalse(asked({}, { with: "before", since: 1000 }))
      assert.isFalse(asked({}, undefined))
      assert.isFalse(asked({}, undefined, "before"))
      assert.isTrue(asked(undefined, { with: "before", since: 1000 }, "now"))
    })
  })

  describe("that is due because configuration was taken back", () => {
    const owed = (since: number | null | undefined, run: Partial<HostShell.UnitRun> | undefined): boolean =>
      RestartNeed.isOwed(since === undefined ? undefined : { since }, runOf(run))

    it("is told from others by when the runtime became active; one that never ran has time zero", () => {
      assert.deepStrictEqual(RestartNeed.owedSince(runOf({ activeSince: 5000 })), { since: 5000 })
      assert.deepStrictEqual(RestartNeed.owedSince(runOf({ activeSince: undefined })), { since: 0 })
      assert.deepStrictEqual(RestartNeed.owedSince(notAsked), { since: null })
    })

    it("is due until the runtime became active anew, whoever did it", () => {
      assert.isTrue(owed(5000, { activeSince: 5000 }))
      assert.isTrue(owed(5000, { activeSince: 9000, state: "failed" }))
      assert.isFalse(owed(5000, { activeSince: 9000 }))
      assert.isFalse(owed(0, { activeSince: 9000 }))
    })

    it("is due in doubt, and never where none was owed", () => {
      assert.isTrue(owed(5000, undefined))
      assert.isTrue(owed(null, { activeSince: 9000 }))
      assert.isFalse(owed(undefined, undefined))
      assert.isFalse(owed(undefined, { activeSince: 9000 }))
    })
  })

  it("is due for configuration that is taken back, unless there is none of it; in doubt it is", () => {
    const needs = RestartNeed.revertNeedsRestart
    assert.isTrue(needs({ _tag: "DropIn", state: FileState.file("x") }))
    assert.isTrue(needs({ _tag: "DropIn", state: FileState.link("x") }))
    assert.isFalse(needs({ _tag: "DropIn", state: FileState.absent }))
    assert.isTrue(needs({ _tag: "WholeFile", disposition: "merge" }))
    assert.isTrue(needs({ _tag: "WholeFile", disposition: "delete" }))
    assert.isFalse(needs({ _tag: "WholeFile", disposition: "keep" }))
    assert.isTrue(needs({ _tag: "Unresolved" }))
  })

  it("that did not work is told with the unit, where its configuration is kept", () => {
    const notice = RestartNeed.configurationKept("k3s.service")
    assert.deepInclude(notice, { code: "configuration-kept", severity: "warning" })
    assert.include(notice.message, "k3s.service")
    assert.include(notice.remedy, "k3s.service")
  })

  describe("of the runtime that was configured before", () => {
    const former = (
      runtime: string | undefined,
      state: Fact.Fact<"active" | "inactive"> | undefined,
      control: Fact.Fact<"systemd"> = Fact.known("systemd"),
    ) =>
      RestartNeed.ofFormer({
        former: runtime,
        row: Distribution.rowOf("crio"),
        units: new Map(state === undefined ? [] : [["containerd.service", state]]),
        control,
      })

    it("is ours where it still runs and units can be controlled", () => {
      const unit = "containerd.service"
      assert.deepStrictEqual(former("containerd", Fact.known("active")), { unit, due: "ours" })
      assert.deepStrictEqual(former("containerd", Fact.known("active"), notAsked), { unit, due: "not-ours" })
    })

    it("is named and left to others where it is not known whether it runs", () => {
      for (const state of [undefined, notAsked])
        assert.deepStrictEqual(former("containerd", state), { unit: "containerd.service", due: "not-ours" })
    })

    it("is none where it does not run, where there was none, and where it is the same", () => {
      assert.isUndefined(former("containerd", Fact.known("inactive")))
      assert.isUndefined(former(undefined, Fact.known("active")))
      assert.isUndefined(former("crio", Fact.known("active")))
      assert.isUndefined(former("a name that nobody knows", Fact.known("active")))
    })
  })

  it("goes by path and text of every loaded file, in the order of loading, and by nothing else", () => {
    const file = fc.tuple(
      fc.constantFrom("/a", "/b", "/a/b"),
      fc.constantFrom("", "x", "y", "x\n/b\n1\ny", "0\n").map((t) => FileState.file(t)),
    )
    const files = fc.uniqueArray(
      fc.oneof(file, fc.tuple(fc.constantFrom("/c"), fc.constant(FileState.absent))),
      {
        selector: ([path]) => path,
      },
    )
    const key = (list: ReadonlyArray<readonly [string, FileState.FileState]>) =>
      JSON.stringify(list.map(([path, state]) => [path, FileState.textOf(state) ?? null]))
    fc.assert(
      fc.property(files, files, (a, b) => {
        assert.strictEqual(digest(a) === digest(b), key(a) === key(b))
      }),
      { numRuns: 300 },
    )
    assert.strictEqual(
      digest([["/a", FileState.file("x", 0o600)]]),
      digest([["/a", FileState.file("x", 0o644)]]),
    )
  })

  it("tells a missing file from an empty one, and texts of one length from each other", () => {
    const of = (state: FileState.FileState) => digest([["/a", state]])
    assert.notStrictEqual(of(FileState.absent), of(FileState.file("")))
    assert.notStrictEqual(of(FileState.file("x")), of(FileState.file("y")))
  })
})
