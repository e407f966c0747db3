import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { Fact, HostPath, NydusMode, NydusModeChange, type Settings } from "../../src/index.ts"
import { same, settings } from "../Sample.ts"

const none = Fact.known([])
const mapping = "SNAPSHOTTER_HANDLER_MAPPING_X86_64"
const pullType = "PULL_TYPE_MAPPING_X86_64"
const forced = "EXPERIMENTAL_FORCE_GUEST_PULL_X86_64"
const setup = "EXPERIMENTAL_SETUP_SNAPSHOTTER"
const shims = { SHIMS_X86_64: "qemu clh" }

const change = (
  variables: Readonly<Record<string, string>>,
  mode: NydusMode.NydusMode,
  shim = "qemu",
  others: Parameters<typeof NydusModeChange.decide>[2] = none,
) => NydusModeChange.decide(settings({ ...shims, ...variables }), { shim, mode }, others)
const changed = (...given: Parameters<typeof change>) =>
  Object.fromEntries(
    Result.getOrThrow(change(...given)).changes.map(({ after, variable }) => [variable, after]),
  )
const codes = (...given: Parameters<typeof change>) =>
  Result.getOrThrow(Result.flip(change(...given))).problems.map(({ code }) => code)

/** The settings with changes laid over the variables that they came from. */
const laid = (
  variables: Readonly<Record<string, string>>,
  changes: ReadonlyArray<NydusModeChange.SettingChange>,
): Settings.Settings => {
  const all: Record<string, string> = { ...shims, ...variables }
  for (const { after, variable } of changes) {
    if (after === undefined) delete all[variable]
    else all[variable] = after
  }
  return settings(all)
}

describe("NydusModeChange", () => {
  it("maps, sets up, and lets the guest pull", () => {
    same(changed({}, "guest-pull"), {
      [mapping]: "qemu:nydus",
      [pullType]: "qemu:guest-pull",
      [setup]: "nydus",
    })
  })

  it("shares, and takes away what lets the guest pull; what concerns others stays", () => {
    const before = {
      [mapping]: "qemu:nydus,clh:nydus",
      [pullType]: "clh:guest-pull,qemu:guest-pull",
      [forced]: "qemu",
      [setup]: "erofs,nydus",
    }
    const found = Result.getOrThrow(change(before, "host-share"))
    same(found.changes, [
      { variable: mapping, before: before[mapping], after: "qemu:nydus-hs,clh:nydus" },
      { variable: pullType, before: before[pullType], after: "clh:guest-pull" },
      { variable: forced, before: "qemu", after: undefined },
      { variable: setup, before: "erofs,nydus", after: "erofs,nydus,nydus-hs" },
    ])
    assert.strictEqual(found.from, "nydus")
  })

  it("changes nothing where the settings say so already", () => {
    const found = Result.getOrThrow(change({ [mapping]: "qemu:nydus-hs", [setup]: "nydus-hs" }, "host-share"))
    same([found.changes, found.notices], [[], []])
  })

  it("names the handlers that pull anew, variants too, and why under another name", () => {
    const found = Result.getOrThrow(change({ DEBUG: "true" }, "host-share"))
    same(found.handlers, ["kata-qemu", "kata-qemu-debug"])
    assert.include(found.notices[0]?.message, NydusModeChange.whyTwoNames)
  })

  it("refuses a shim that is not enabled, and a custom runtime", () => {
    same(codes({}, "guest-pull", "fc"), ["E_SET_MODE_UNKNOWN_SHIM"])
    const custom = NydusModeChange.decide(
      settings({ CUSTOM_RUNTIMES_ENABLED: "true" }, { "custom-runtimes.list": "kata-mine:qemu" }),
      { shim: "kata-mine", mode: "guest-pull" },
      none,
    )
    same(
      Result.getOrThrow(Result.flip(custom)).problems.map(({ code }) => code),
      ["E_SET_MODE_CUSTOM_RUNTIME"],
    )
  })

  describe("another snapshotter on the node", () => {
    const at = NydusMode.paths("host-share", settings().instance)
    const other: NydusModeChange.OtherSnapshotter = {
      plugin: "nydus",
      root: HostPath.make("/var/lib/nydus"),
      socket: HostPath.make("/run/nydus.sock"),
      mode: "guest-pull",
    }
    const with_ = (over: Partial<NydusModeChange.OtherSnapshotter>) =>
      change({}, "host-share", "qemu", Fact.known([{ ...other, ...over }]))

    for (const [what, over] of [
      ["plugin name", { plugin: at.name }],
      ["root", { root: at.data }],
      ["socket", { socket: at.socket }],
    ] as const)
      it(`must not have the same ${what} in another mode, or in one that is not known`, () => {
        for (const mode of ["guest-pull", undefined] as const) {
          const [problem] = Result.getOrThrow(Result.flip(with_({ ...over, mode }))).problems
          assert.strictEqual(problem?.code, "E_SET_MODE_SHARED")
          assert.include(problem?.message, what)
          assert.include(problem?.message, NydusModeChange.whyTwoNames)
        }
        assert.isTrue(Result.isSuccess(with_({ ...over, mode: "host-share" })))
      })

    it("is no matter with everything of its own", () => {
      assert.isTrue(Result.isSuccess(with_({})))
    })

    it("that could not be looked for is told", () => {
      const found = change({}, "host-share", "qemu", Fact.unknown("failed", "no permission"))
      assert.include(
        Result.getOrThrow(found).notices.map(({ code }) => code),
        "set-mode-others-unknown",
      )
    })
  })

  it("makes settings that are in the mode, whatever they were", () => {
    const value = fc.constantFrom("nydus", "nydus-hs", "overlayfs")
    const variables = fc.record(
      {
        [mapping]: fc.oneof(
          value.map((v) => `qemu:${v}`),
          value.map((v) => `clh:nydus,qemu:${v}`),
        ),
        [pullType]: fc.constantFrom("qemu:guest-pull", "clh:guest-pull"),
        [forced]: fc.constantFrom("qemu", "clh,qemu"),
        [setup]: fc.constantFrom("nydus", "nydus-hs", "erofs,nydus"),
      },
      { requiredKeys: [] },
    ) as fc.Arbitrary<Readonly<Record<string, string>>>
    fc.assert(
      fc.property(variables, fc.constantFrom(...NydusMode.all), (before, mode) => {
        const { changes } = Result.getOrThrow(change(before, mode))
        const after = laid(before, changes)
        const { setting } = NydusMode.modes[mode]
        assert.include(after.setupSnapshotters, setting)
        const handler = after.handlers.find(({ name }) => name === "kata-qemu")
        assert.strictEqual(handler?.snapshotter, setting)
        assert.strictEqual(handler?.pullType, mode === "guest-pull" ? "guest-pull" : undefined)
        const again = NydusModeChange.decide(after, { shim: "qemu", mode }, none)
        same(Result.getOrThrow(again).changes, [])
        const other = (all: Settings.Settings) => all.handlers.find(({ name }) => name === "kata-clh")
        same(other(after), other(laid(before, [])))
      }),
    )
  })

  describe("a recorded choice", () => {
    const chosen = (variables: Readonly<Record<string, string>>) =>
      NydusModeChange.choiceOf(Result.getOrThrow(change(variables, "host-share")))
    const recorded = (
      variables: Readonly<Record<string, string>>,
      ...choices: ReadonlyArray<NydusModeChange.ModeChoice>
    ) => NydusModeChange.recorded(settings({ ...shims, ...variables }), choices)

    it("holds as long as the settings say what they said", () => {
      for (const before of [{}, { [mapping]: "qemu:nydus", [setup]: "nydus" }]) {
        const { changes, notices } = recorded(before, chosen(before))
        same(changes, Result.getOrThrow(change(before, "host-share")).changes)
        same(notices, [])
      }
    })

    it("holds beside others", () => {
      const choices = ["qemu", "clh"].map((shim) => ({ shim, mode: "host-share", said: undefined }) as const)
      const { changes } = recorded({}, ...choices)
      same(
        changes.map(({ after }) => after),
        ["qemu:nydus-hs,clh:nydus-hs", "nydus-hs"],
      )
    })

    it("gives way to settings that say something else, and that is told", () => {
      const choice = chosen({ [mapping]: "qemu:nydus" })
      for (const now of [{ [mapping]: "qemu:overlayfs" }, {}]) {
        const { changes, notices } = recorded(now, choice)
        same(changes, [])
        same(
          notices.map(({ code }) => code),
          ["set-mode-choice-overridden"],
        )
      }
    })

    it("is nothing to speak of where the settings say the same, or the shim is gone", () => {
      const choice = chosen({})
      same(recorded({ [mapping]: "qemu:nydus-hs" }, choice), { changes: [], notices: [] })
      same(recorded({ SHIMS_X86_64: "clh" }, choice), { changes: [], notices: [] })
    })
  })
})
