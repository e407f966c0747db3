import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import {
  Desired,
  FileState,
  HostPath,
  type ModeChoice,
  ModeWords,
  NydusMode,
  NydusModeChange,
  RecordedModes,
} from "../../src/index.ts"
import { same, settings } from "../Sample.ts"
import * as Generated from "./ModeSettings.ts"
import { forced, mapping, pullType, setup, shims } from "./ModeSettings.ts"

type Variables = Readonly<Record<string, string>>

const over = (variables: Variables, ...choices: ReadonlyArray<ModeChoice.ModeChoice>) =>
  RecordedModes.layOver(settings({ ...shims, ...variables }), choices)

const choice = (
  said: ModeChoice.ShimWords,
  mode: NydusMode.NydusMode = "host-share",
): ModeChoice.ModeChoice => ({
  shim: "qemu",
  mode,
  said,
})

describe("RecordedModes", () => {
  const nydus = { [mapping]: "qemu:nydus", [pullType]: "qemu:guest-pull", [setup]: "nydus" }
  const saidNydus = { snapshotter: "nydus", pullType: "guest-pull" }

  const table: ReadonlyArray<
    readonly [string, Variables, ModeChoice.ModeChoice, holds: boolean, severity: "info" | "warning"]
  > = [
    ["holds while nothing is said, as when it was chosen", {}, choice({}), true, "info"],
    ["holds while the same is said as when it was chosen", nydus, choice(saidNydus), true, "info"],
    [
      "holds whatever is said of others",
      { ...nydus, [mapping]: "clh:overlayfs,qemu:nydus" },
      choice(saidNydus),
      true,
      "info",
    ],
    [
      "gives way to another snapshotter",
      { ...nydus, [mapping]: "qemu:overlayfs" },
      choice(saidNydus),
      false,
      "warning",
    ],
    ["gives way to nothing any more", {}, choice(saidNydus), false, "warning"],
    ["gives way to something where nothing was", nydus, choice({}), false, "warning"],
    [
      "gives way to another way of pulling",
      { ...nydus, [pullType]: "" },
      choice(saidNydus),
      false,
      "warning",
    ],
    ["gives way to forced guest pull", { ...nydus, [forced]: "qemu" }, choice(saidNydus), false, "warning"],
    [
      "is forgotten where the settings now say so themselves",
      { [mapping]: "qemu:nydus-hs", [setup]: "nydus-hs" },
      choice(saidNydus),
      false,
      "info",
    ],
    ["is forgotten with its shim", { SHIMS_X86_64: "clh" }, choice({}), false, "info"],
  ]
  for (const [what, variables, chosen, holds, severity] of table)
    it(`a choice ${what}`, () => {
      const found = over(variables, chosen)
      same(found.recordedModes, holds ? [chosen] : [])
      const [notice] = found.notices.slice(-1)
      assert.strictEqual(notice?.code, holds ? "set-mode-choice-kept" : "set-mode-choice-overridden")
      assert.strictEqual(notice?.severity, severity)
      const own = settings({ ...shims, ...variables })
      const words: ModeWords.Words = holds ? ModeWords.withMode(own, "qemu", "host-share") : own
      same(ModeWords.changes(words, found, found.architecture), [])
    })

  it("names what the settings said and what they say where they win", () => {
    const { notices } = over({ [mapping]: "qemu:overlayfs" }, choice(saidNydus))
    assert.include(notices.at(-1)?.message, "the snapshotter nydus and the pull type guest-pull")
    assert.include(notices.at(-1)?.message, "the snapshotter overlayfs")
  })

  it("lays several choices over one another", () => {
    const found = over({}, choice({}), { shim: "clh", mode: "guest-pull", said: {} })
    same(
      found.handlers.map(({ name, pullType: pulls, snapshotter }) => [name, snapshotter, pulls]),
      [
        ["kata-qemu", "nydus-hs", undefined],
        ["kata-clh", "nydus", "guest-pull"],
        ["kata-qemu-debug", "nydus-hs", undefined],
        ["kata-clh-debug", "nydus", "guest-pull"],
      ],
    )
    same(found.setupSnapshotters, ["nydus-hs", "nydus"])
  })

  it("leaves handlers of custom runtimes alone", () => {
    const own = settings(
      { ...shims, CUSTOM_RUNTIMES_ENABLED: "true" },
      { "custom-runtimes.list": "kata-mine:qemu:overlayfs" },
    )
    const mine = (all: typeof own) => all.handlers.find(({ kind }) => kind === "custom")
    same(mine(RecordedModes.layOver(own, [choice({})])), mine(own))
  })

  const told = /^set-mode-/
  it("comes to what the settings with its changes are decoded to", () => {
    fc.assert(
      fc.property(Generated.variables, fc.constantFrom(...NydusMode.all), (before, mode) => {
        const decision = NydusModeChange.decide(settings({ ...shims, ...before }), [], { shim: "qemu", mode })
        const { change, settings: after } = Result.getOrThrow(decision)
        const decoded = settings({ ...shims, ...Generated.laid(before, change.changes) })
        const notices = after.notices.filter(({ code }) => !told.test(code))
        same({ ...after, recordedModes: [], notices }, decoded)
      }),
    )
  })

  it("comes to the same with the choices that held", () => {
    const said = fc.constantFrom({}, saidNydus, { snapshotter: "overlayfs" })
    const choices = fc.uniqueArray(
      fc.record({
        shim: fc.constantFrom("qemu", "clh", "fc"),
        mode: fc.constantFrom(...NydusMode.all),
        said,
      }),
      { selector: ({ shim }) => shim },
    )
    fc.assert(
      fc.property(Generated.variables, choices, (variables, recorded) => {
        const once = over(variables, ...recorded)
        const twice = over(variables, ...once.recordedModes)
        const notices = once.notices.filter(({ code }) => code !== "set-mode-choice-overridden")
        same(twice, { ...once, notices })
      }),
    )
  })

  it("changes nothing where nothing is recorded", () => {
    same(over(nydus), settings({ ...shims, ...nydus }))
  })

  it("is the reason behind files that name its snapshotter", () => {
    const wanted = over({}, choice({}))
    const { name } = NydusMode.paths("host-share", wanted.instance)
    const file = (text: string) => Desired.make(HostPath.make("/a"), FileState.file(text), "it is so")
    const reasons = (text: string) => RecordedModes.withReasons([file(text)], wanted)[0]?.because
    assert.strictEqual(reasons(`snapshotter = "${name}"`), "it is so; set-mode put qemu into host-share")
    assert.strictEqual(reasons("[plugins]"), "it is so")
  })
  it("stands behind problems with what it needs, and behind no others", () => {
    const wanted = over({}, choice({}))
    const { socket } = NydusMode.paths("host-share", wanted.instance)
    const problem = { code: "E_A", message: "It is wrong.", remedy: "Make it right." }
    const setting = "EXPERIMENTAL_SETUP_SNAPSHOTTER"
    const explained = (about: object) => RecordedModes.explained([{ ...problem, ...about }], wanted)[0]!
    for (const about of [
      { setting, value: "nydus-hs" },
      { path: socket },
      { setting: "SNAPSHOTTER_HANDLER_MAPPING" },
    ]) {
      assert.match(explained(about).message, /^It is wrong\. .*set-mode puts qemu into host-share/)
      assert.match(explained(about).remedy, /^Make it right\. .*set-mode/)
    }
    for (const about of [
      { setting, value: "nydus" },
      { setting: "SHIMS_X86_64", value: "nydus-hs" },
    ])
      same(explained(about), { ...problem, ...about })
  })
})
