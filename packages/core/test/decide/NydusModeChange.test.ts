import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import {
  HostPath,
  type ModeChoice,
  ModeWords,
  NydusMode,
  NydusModeChange,
  type OtherSnapshotters,
  type Settings,
} from "../../src/index.ts"
import { same, settings } from "../Sample.ts"
import * as Generated from "./ModeSettings.ts"
import { forced, mapping, pullType, setup, shims } from "./ModeSettings.ts"

const decided = (
  variables: Readonly<Record<string, string>>,
  mode: NydusMode.NydusMode,
  shim = "qemu",
  choices: ReadonlyArray<ModeChoice.ModeChoice> = [],
) => NydusModeChange.decide(settings({ ...shims, ...variables }), choices, { shim, mode })
const change = (...given: Parameters<typeof decided>) => Result.getOrThrow(decided(...given)).change
const changed = (...given: Parameters<typeof decided>) =>
  Object.fromEntries(change(...given).changes.map(({ after, variable }) => [variable, after]))
const codes = (...given: Parameters<typeof decided>) =>
  Result.getOrThrow(Result.flip(decided(...given))).problems.map(({ code }) => code)

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
    const found = change(before, "host-share")
    same(found.changes, [
      { variable: mapping, before: before[mapping], after: "qemu:nydus-hs,clh:nydus" },
      { variable: pullType, before: before[pullType], after: "clh:guest-pull" },
      { variable: forced, before: "qemu", after: undefined },
      { variable: setup, before: "erofs,nydus", after: "erofs,nydus,nydus-hs" },
    ])
    assert.strictEqual(found.from, "nydus")
  })

  it("leaves forced guest pull alone where guests are to pull", () => {
    same(changed({ [forced]: "qemu", [setup]: "nydus" }, "guest-pull"), {
      [mapping]: "qemu:nydus",
      [pullType]: "qemu:guest-pull",
    })
  })

  it("changes nothing where the settings say so already", () => {
    const found = change({ [mapping]: "qemu:nydus-hs", [setup]: "nydus-hs" }, "host-share")
    same([found.changes, found.notices], [[], []])
  })

  it("names the handlers that pull anew, variants too, and why under another name", () => {
    const found = change({ DEBUG: "true" }, "host-share")
    same(found.handlers, ["kata-qemu", "kata-qemu-debug"])
    const [notice] = found.notices
    assert.deepInclude(notice, { code: "set-mode-pulls-anew", severity: "info" })
    assert.include(notice?.message, "kata-qemu, kata-qemu-debug")
    assert.include(notice?.message, NydusModeChange.whyTwoNames)
  })

  it("leaves handlers of custom runtimes alone that are based on the shim", () => {
    const found = NydusModeChange.decide(
      settings({ CUSTOM_RUNTIMES_ENABLED: "true" }, { "custom-runtimes.list": "kata-mine:qemu" }),
      [],
      { shim: "qemu", mode: "host-share" },
    )
    same(Result.getOrThrow(found).change.handlers, ["kata-qemu"])
  })

  it("refuses a shim that is not enabled, and a custom runtime", () => {
    same(codes({}, "guest-pull", "fc"), ["E_SET_MODE_UNKNOWN_SHIM"])
    const enabled = (shim: string) => {
      const custom = settings(
        { ...shims, CUSTOM_RUNTIMES_ENABLED: "true" },
        { "custom-runtimes.list": "kata-mine:qemu" },
      )
      const refused = NydusModeChange.decide(custom, [], { shim, mode: "guest-pull" })
      return Result.getOrThrow(Result.flip(refused)).problems[0]!
    }
    const unknown = enabled("qemuu")
    same([unknown.code, unknown.setting, unknown.value], ["E_SET_MODE_UNKNOWN_SHIM", mapping, "qemuu"])
    assert.match(unknown.message, /"qemuu".*qemu\b/)
    assert.include(unknown.remedy, "qemu, clh")
    same([enabled("kata-mine").setting, enabled("kata-mine").value], ["CUSTOM_RUNTIMES_ENABLED", "kata-mine"])
    for (const [mode, line, word] of [
      ["guest-pull", "kata-mine:qemu:nydus:guest-pull ", "nydus in"],
      ["host-share", "kata-mine:qemu:nydus-hs ", "nydus-hs in"],
    ] as const) {
      const custom = NydusModeChange.decide(
        settings({ CUSTOM_RUNTIMES_ENABLED: "true" }, { "custom-runtimes.list": "kata-mine:qemu" }),
        [],
        { shim: "kata-mine", mode },
      )
      const [problem] = Result.getOrThrow(Result.flip(custom)).problems
      assert.strictEqual(problem?.code, "E_SET_MODE_CUSTOM_RUNTIME")
      // A snapshotter alone neither lets the guest pull nor is set up.
      assert.include(problem?.remedy, line)
      assert.include(problem?.remedy, word)
    }
  })

  describe("another snapshotter on the node", () => {
    const { instance } = settings()
    const at = NydusMode.paths("host-share", instance)
    const other: OtherSnapshotters.OtherSnapshotter = {
      plugin: "nydus",
      file: HostPath.make("/etc/containerd/conf.d/nydus.toml"),
      root: "/var/lib/nydus",
      socket: "/run/nydus.sock",
      mode: "guest-pull",
    }
    const problems = (over: Partial<OtherSnapshotters.OtherSnapshotter>) =>
      NydusModeChange.sharing({ instance }, "host-share", { found: [{ ...other, ...over }], unseen: [] })

    for (const [what, over] of [
      ["plugin name", { plugin: at.name }],
      ["root", { root: at.data }],
      ["socket", { socket: at.socket }],
    ] as const)
      it(`must not have the same ${what}, whatever it does`, () => {
        for (const mode of ["guest-pull", "host-share", "another", undefined] as const) {
          const [problem] = problems({ ...over, mode })
          assert.strictEqual(problem?.code, "E_SET_MODE_SHARED")
          assert.strictEqual(problem?.path, other.file)
          assert.include(problem?.message, what)
          assert.include(problem?.message, NydusModeChange.whyTwoNames)
          assert.strictEqual(problem?.setting, "EXPERIMENTAL_SETUP_SNAPSHOTTER")
        }
      })

    it("is told apart by what it does, as far as that is known", () => {
      const said = (mode: OtherSnapshotters.OtherSnapshotter["mode"]) =>
        problems({ plugin: at.name, mode })[0]!.message
      for (const mode of NydusMode.all) assert.include(said(mode), NydusMode.modes[mode].says)
      assert.notStrictEqual(said("another"), said(undefined))
      for (const mode of ["another", undefined] as const)
        for (const { says } of Object.values(NydusMode.modes)) assert.notInclude(said(mode), says)
    })

    it("is ours, written down once more, where it has everything of it", () => {
      const all = { plugin: at.name, root: at.data, socket: at.socket } as const
      same(problems({ ...all, mode: "host-share" }), [])
      assert.lengthOf(problems({ ...all, mode: "guest-pull" }), 1)
    })

    it("is no matter with everything of its own", () => {
      same(problems({}), [])
    })

    it("is told of where its root is not known, and so is what could not be looked at", () => {
      same(NydusModeChange.unseenOthers({ found: [other], unseen: [] }), [])
      const [notice] = NydusModeChange.unseenOthers({
        found: [{ ...other, root: undefined, mode: undefined }],
        unseen: ["/etc/containerd/conf.d cannot be listed (no permission)"],
      })
      assert.deepInclude(notice, { code: "set-mode-others-unknown", severity: "warning" })
      assert.include(notice?.message, "whose root is not known")
      assert.include(notice?.message, "no permission")
    })
  })

  it("makes settings that are in the mode, whatever they were, and that change nothing of other shims", () => {
    fc.assert(
      fc.property(Generated.variables, fc.constantFrom(...NydusMode.all), (before, mode) => {
        const { settings: after } = Result.getOrThrow(decided(before, mode))
        const { setting } = NydusMode.modes[mode]
        assert.include(after.setupSnapshotters, setting)
        const handler = after.handlers.find(({ name }) => name === "kata-qemu")
        assert.strictEqual(handler?.snapshotter, setting)
        assert.strictEqual(handler?.pullType, mode === "guest-pull" ? "guest-pull" : undefined)
        const other = (all: Settings.Settings) => all.handlers.find(({ name }) => name === "kata-clh")
        same(other(after), other(settings({ ...shims, ...before })))
      }),
    )
  })

  it("decides the same for the variables with its changes, where nothing is left to change", () => {
    fc.assert(
      fc.property(Generated.variables, fc.constantFrom(...NydusMode.all), (before, mode) => {
        const { change: first } = Result.getOrThrow(decided(before, mode))
        const again = Result.getOrThrow(decided(Generated.laid(before, first.changes), mode))
        same(again.change.changes, [])
        same(again.settings.recordedModes, [])
      }),
    )
  })

  describe("over choices that were recorded", () => {
    const modesOf = (...given: Parameters<typeof decided>) =>
      Result.getOrThrow(decided(...given)).settings.recordedModes

    it("remembers what the settings said of the shim, and nothing where they say the mode themselves", () => {
      const before = { [mapping]: "qemu:nydus", [pullType]: "qemu:guest-pull", [setup]: "nydus" }
      same(modesOf(before, "host-share"), [
        { shim: "qemu", mode: "host-share", said: { snapshotter: "nydus", pullType: "guest-pull" } },
      ])
      same(modesOf({}, "guest-pull", "clh"), [{ shim: "clh", mode: "guest-pull", said: {} }])
      same(modesOf({ [forced]: "qemu" }, "host-share")[0]?.said, { forcesGuestPull: true })
      same(modesOf(before, "guest-pull"), [])
    })

    it("replaces the choice for the shim, and keeps those for others", () => {
      const choices = [
        { shim: "clh", mode: "host-share", said: {} },
        { shim: "qemu", mode: "host-share", said: {} },
      ] as const
      same(modesOf({}, "guest-pull", "clh", choices), [{ ...choices[0], mode: "guest-pull" }, choices[1]])
      same(modesOf({}, "host-share", "qemu", [choices[0]]), choices)
      // What the settings say themselves is remembered no more.
      const before = { [mapping]: "qemu:nydus", [pullType]: "qemu:guest-pull", [setup]: "nydus" }
      const said = { snapshotter: "nydus", pullType: "guest-pull" }
      same(modesOf(before, "guest-pull", "qemu", [choices[0], { ...choices[1], said }]), [choices[0]])
    })

    it("chosen twice is chosen once", () => {
      fc.assert(
        fc.property(Generated.variables, fc.constantFrom(...NydusMode.all), (before, mode) => {
          const once = Result.getOrThrow(decided(before, mode)).settings
          const twice = Result.getOrThrow(decided(before, mode, "qemu", once.recordedModes))
          same(twice.settings, once)
          same(twice.change.changes, [])
        }),
      )
    })

    it("and back again gives the words of the settings, and nothing is remembered", () => {
      fc.assert(
        fc.property(Generated.variables, fc.constantFrom(...NydusMode.all), (any, mode) => {
          const other = NydusMode.all.find((each) => each !== mode)!
          // Settings that are in the mode of themselves.
          const before = Generated.laid(any, change(any, mode).changes)
          const there = Result.getOrThrow(decided(before, other))
          const back = Result.getOrThrow(decided(before, mode, "qemu", there.settings.recordedModes))
          same(back.settings, settings({ ...shims, ...before }))
          const { architecture } = back.settings
          same(back.change.changes, ModeWords.changes(there.settings, back.settings, architecture))
          // A snapshotter that nobody else asks for is not taken away in silence.
          const gone = there.settings.setupSnapshotters.filter(
            (word) => !back.settings.setupSnapshotters.includes(word),
          )
          const told = back.change.notices.filter(({ code }) => code === "set-mode-snapshotter-goes")
          assert.lengthOf(told, gone.length)
          for (const [which, word] of gone.entries()) {
            assert.strictEqual(told[which]!.severity, "warning")
            assert.include(told[which]!.message, `${word} `)
          }
        }),
      )
    })
  })
})
