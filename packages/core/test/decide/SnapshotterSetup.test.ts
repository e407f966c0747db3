import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import {
  Distribution,
  Fact,
  FileState,
  HostPath,
  Instance,
  NydusMode,
  NydusUnit,
  SnapshotterSetup,
} from "../../src/index.ts"
import { same, settings } from "../Sample.ts"

const instanceOf = (suffix?: string) => Instance.make({ prefix: undefined, suffix })
const programs = Fact.known(new Set(["containerd-nydus-grpc", "nydus-overlayfs", "nydus-image"]))
const decide = (
  setup: string,
  given: SnapshotterSetup.NydusPrograms = programs,
  runtime: Distribution.CriRuntime = "k3s",
) =>
  SnapshotterSetup.decide(settings({ EXPERIMENTAL_SETUP_SNAPSHOTTER: setup }), {
    row: Distribution.lookup(runtime)!,
    programs: given,
  })
const codes = (...given: Parameters<typeof decide>) =>
  Result.getOrThrow(Result.flip(decide(...given))).problems.map(({ code, value }) => [code, value])
const words = (steps: ReadonlyArray<SnapshotterSetup.UnitStep>) =>
  steps.map(({ onFailure, unit, verb }) => `${verb} ${unit} (${onFailure})`)
const input = (instance: Instance.Instance): SnapshotterSetup.SetupInput => ({
  instance,
  nydusHs: { exportMode: "layer_block" },
  criUnit: "k3s.service",
})

/** Every path that a setup or a teardown has something done to. */
const touched = (
  mode: NydusMode.NydusMode,
  instance: Instance.Instance,
): ReadonlyArray<HostPath.HostPath> => {
  const setup = SnapshotterSetup.ofMode(mode, input(instance))
  const teardown = SnapshotterSetup.teardown(mode, instance)
  return [
    ...setup.programs.map(({ path }) => path),
    ...setup.files.map(({ path }) => path),
    teardown.unitFile,
    teardown.directory,
  ]
}

describe("SnapshotterSetup", () => {
  it("puts programs, configuration and unit where the mode has them", () => {
    const setup = SnapshotterSetup.ofMode("host-share", input(instanceOf()))
    same(
      setup.programs.map(({ path, program }) => [program, path]),
      ["containerd-nydus-grpc", "nydus-overlayfs", "nydus-image"].map((program) => [
        program,
        `/opt/kata/nydus-for-kata-hs/${program}`,
      ]),
    )
    same(
      setup.files.map(({ path }) => path),
      [
        "/opt/kata/nydus-for-kata-hs/config-host-sharing.toml",
        "/etc/systemd/system/nydus-for-kata-hs.service",
      ],
    )
    assert.strictEqual(
      FileState.textOf(setup.files[1]!.state),
      NydusUnit.text("host-share", instanceOf(), "k3s.service"),
    )
    assert.include(FileState.textOf(setup.files[0]!.state), 'export_mode = "layer_block"')
  })

  it("lets the running one run until everything lies ready, and then restarts it at once", () => {
    const unit = "nydus-for-kata-tee.service"
    const setup = SnapshotterSetup.ofMode("guest-pull", input(instanceOf()))
    same(words(setup.whenChanged), [
      `disable ${unit} (ignore)`,
      `reload ${unit} (report)`,
      `enable ${unit} (report)`,
      `restart ${unit} (report)`,
    ])
    same(words(setup.whenDown), [`enable ${unit} (report)`, `restart ${unit} (report)`])
  })

  it("goes with its unit first and its directory behind it, and keeps its data", () => {
    const teardown = SnapshotterSetup.teardown("host-share", instanceOf("dev"))
    same(words(teardown.before), [
      "stop nydus-for-kata-hs-dev.service (report)",
      "disable nydus-for-kata-hs-dev.service (report)",
    ])
    assert.strictEqual<string>(teardown.unitFile, "/etc/systemd/system/nydus-for-kata-hs-dev.service")
    assert.strictEqual<string>(teardown.directory, "/opt/kata-dev/nydus-for-kata-hs")
    same(words(teardown.after), ["reload nydus-for-kata-hs-dev.service (report)"])
    assert.strictEqual<string>(teardown.dataDirectory, "/var/lib/nydus-for-kata-hs-dev")
  })

  it("never touches data, nor anything of another mode or instance", () => {
    const one = fc.record({
      mode: fc.constantFrom(...NydusMode.all),
      suffix: fc.constantFrom(undefined, "dev", "hs", "tee"),
    })
    fc.assert(
      fc.property(one, one, (a, b) => {
        const paths = touched(a.mode, instanceOf(a.suffix))
        const other = NydusMode.paths(b.mode, instanceOf(b.suffix))
        for (const path of paths) assert.isFalse(HostPath.isWithin(path, other.data))
        if (a.mode === b.mode && a.suffix === b.suffix) return
        for (const path of paths)
          for (const theirs of [other.unitFile, other.directory]) {
            assert.isFalse(HostPath.isWithin(path, theirs), path)
            assert.isFalse(HostPath.isWithin(theirs, path), path)
          }
      }),
    )
  })

  it("sets up what is named and takes away the other, both modes at once too", () => {
    for (const [setup, up, away] of [
      ["", [], ["guest-pull", "host-share"]],
      ["nydus", ["guest-pull"], ["host-share"]],
      ["erofs,nydus-hs", ["host-share"], ["guest-pull"]],
      ["nydus-hs, nydus", ["guest-pull", "host-share"], []],
    ] as const) {
      const found = Result.getOrThrow(decide(setup))
      same([found.setUp.map(({ mode }) => mode), found.takeAway.map(({ mode }) => mode)], [up, away])
    }
  })

  it("is wanted by the unit of the runtime that there is", () => {
    const unit = (runtime: Distribution.CriRuntime) =>
      FileState.textOf(Result.getOrThrow(decide("nydus", programs, runtime)).setUp[0]!.files[1]!.state)
    assert.include(unit("k3s"), "WantedBy=k3s.service")
    assert.include(unit("microk8s"), "WantedBy=snap.microk8s.daemon-containerd.service")
  })

  it("sets nothing up with CRI-O, and takes away what an earlier containerd had", () => {
    const found = Result.getOrThrow(decide("nydus,nydus-hs", Fact.unknown("failed", "x"), "crio"))
    same([found.setUp.length, found.takeAway.length], [0, 2])
  })

  it("refuses, before anything is touched, what its programs are not there for", () => {
    const without = Fact.known(new Set(["containerd-nydus-grpc", "nydus-overlayfs"]))
    assert.isTrue(Result.isSuccess(decide("nydus", without)))
    same(codes("nydus,nydus-hs", without), [["E_NYDUS_PROGRAM_MISSING", "nydus-hs"]])
    same(codes("nydus,nydus-hs", Fact.known(new Set<string>())), [
      ["E_NYDUS_PROGRAM_MISSING", "nydus"],
      ["E_NYDUS_PROGRAM_MISSING", "nydus-hs"],
    ])
    same(codes("nydus-hs", Fact.unknown("failed", "no permission")), [
      ["E_NYDUS_PROGRAMS_UNREADABLE", "nydus-hs"],
    ])
    assert.isTrue(Result.isSuccess(decide("erofs", Fact.unknown("failed", "no permission"))))
  })
})
