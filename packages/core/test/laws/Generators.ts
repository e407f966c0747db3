/** Generated nodes with generated settings, and what a law does with them: install, plan, clean up, look. */
import { Effect, Layer, Result } from "effect"
import * as fc from "fast-check"
import process from "node:process"
import { it } from "vitest"
import {
  Fact,
  FileState,
  HostPath,
  type InstallPlan,
  Instance,
  KataConfig,
  Observe,
  Plan,
  PlanDocument,
  Policies,
  Run,
  Settings,
  Shim,
} from "../../src/index.ts"
import {
  HostFilesMemory,
  HostShellMemory,
  ImpatientClock,
  NodeApiMemory,
  SampleArchive,
} from "../../src/testing/index.ts"
import { type Host, host as anyHost, type Kind, sharedHost, type Tree } from "./GeneratedHosts.ts"
import { type Asked, asked, shims } from "./GeneratedSettings.ts"

/** How much of the node can be asked: units, and the Node object. */
export interface Reach {
  readonly systemd: boolean
  readonly api: boolean
}

/** A node without install, and an operator's settings that fit it. */
export interface Scenario {
  readonly host: Host
  readonly asked: Asked
  readonly reach: Reach
  readonly stateDir: HostPath.HostPath | undefined
  /** Which of the base configurations are in the archives. */
  readonly bases: keyof typeof baseLayouts
}

const limitsOf = (kind: Kind) => ({
  suffix: kind.takesSuffix ? ("any" as const) : ("none" as const),
  takesUserDropIn: kind.takesUserDropIn,
  snapshotters: kind.version?.startsWith("containerd://1.6") ? [] : ["overlayfs", "devmapper"],
  // What containerd has to be told has a place in its schema 2 and above; CRI-O has no snapshotters.
  setsUp: kind.schemas.includes(1) && kind.unit !== "crio.service" ? [] : ["nydus", "nydus-hs"],
})

const around = {
  reach: fc.record({ systemd: fc.boolean(), api: fc.boolean() }),
  stateDir: fc.option(fc.constant(HostPath.make("/var/lib/kata-state")), { nil: undefined, freq: 5 }),
  bases: fc.constantFrom("plain" as const, "crowded" as const),
}

/** Any node with any settings that fit it. */
export const scenario: fc.Arbitrary<Scenario> = anyHost.chain((host) =>
  fc.record({ host: fc.constant(host), asked: asked(limitsOf(host.kind)), ...around }),
)

/** A node with the settings of one operator before and after a change of mind; the instance stays the same. */
export const changeOfMind: fc.Arbitrary<Scenario & { readonly later: Asked }> = scenario.chain((first) =>
  asked({ ...limitsOf(first.host.kind), suffix: "none" }).map((later) => {
    const kept = ["MULTI_INSTALL_SUFFIX", "INSTALLATION_PREFIX"]
    const of = (variables: Asked["variables"], keep: boolean) =>
      Object.entries(variables).filter(([name]) => kept.includes(name) === keep)
    return {
      ...first,
      later: {
        ...later,
        variables: Object.fromEntries([...of(later.variables, false), ...of(first.asked.variables, true)]),
      },
    }
  }),
)

/** A node with two instances, the second with the suffix `b`. */
export const neighbours: fc.Arbitrary<Scenario & { readonly second: Asked }> = sharedHost.chain((host) =>
  fc.record({
    host: fc.constant(host),
    asked: asked({ ...limitsOf(host.kind), suffix: "none" }),
    second: asked({ ...limitsOf(host.kind), suffix: { exactly: "b" } }),
    ...around,
    // Each instance has a state directory of its own.
    stateDir: fc.constant(undefined),
  }),
)

const baseLayouts = {
  plain: (hypervisor: string) =>
    `[hypervisor.${hypervisor}]
path = "/opt/kata/bin/${hypervisor}"
image = "/opt/kata/share/kata-containers/kata-containers.img"
enable_annotations = ["enable_iommu"]
kernel_params = "quiet"

[runtime]
enable_debug = false
`,
  crowded: (hypervisor: string) =>
    `# Kata's own words
[agent.kata]
kernel_modules = []

[hypervisor.${hypervisor}] # the hypervisor
path = '/opt/kata/bin/${hypervisor}'
valid_hypervisor_paths = ["/opt/kata/bin/${hypervisor}", "/usr/bin/${hypervisor}"]
initrd = "/opt/kata/share/kata-containers/initrd.img"
enable_annotations = [
  # first
  "kernel_params", "enable_iommu",
]

[[hypervisor.${hypervisor}.guest_extension_images]]
name = "gpu"
path = "/opt/kata/share/kata-containers/gpu.img"

[runtime]
experimental_force_guest_pull = false # no`,
}

const defaults = "share/defaults/kata-containers"

const rowOf = (shim: string): Shim.ShimRow => Shim.lookup(shim)!

const archivesOf = (
  layout: keyof typeof baseLayouts,
): Readonly<Record<string, SampleArchive.SampleArchive>> => {
  const configs = (runtime: Shim.ShimRow["runtime"]) =>
    shims
      .filter((shim) => rowOf(shim).runtime === runtime)
      .map((shim) =>
        SampleArchive.file(
          `${defaults}/${KataConfig.baseKey(shim, rowOf(shim))}`,
          baseLayouts[layout](rowOf(shim).hypervisor),
        ),
      )
  return {
    "shim-v2-go": [
      SampleArchive.directory("bin"),
      SampleArchive.file("bin/containerd-shim-kata-v2", "go shim", 0o755),
      ...configs("go"),
      SampleArchive.link(`${defaults}/configuration.toml`, "configuration-qemu.toml"),
    ],
    "shim-v2-rust": [
      SampleArchive.file("runtime-rs/bin/containerd-shim-kata-v2", "rust shim", 0o755),
      ...configs("rust"),
    ],
    qemu: [SampleArchive.file("bin/qemu-system-x86_64", "qemu", 0o755)],
    "kata-ctl": [SampleArchive.file("bin/kata-ctl", "ctl", 0o755)],
    "rootfs-image-devkit-extension": [
      SampleArchive.file("share/kata-containers/kata-containers-devkit-extension.img", "image"),
    ],
  }
}

const archives = { plain: archivesOf("plain"), crowded: archivesOf("crowded") }

const manifest = JSON.stringify({
  shims: Object.fromEntries(
    shims.map((shim) => [
      shim,
      {
        x86_64: [
          rowOf(shim).runtime === "go" ? "shim-v2-go" : "shim-v2-rust",
          ...(rowOf(shim).hypervisor === "qemu" ? ["qemu"] : []),
        ],
      },
    ]),
  ),
})

/** Where the install of some settings goes. */
export const installDirOf = (asked: Asked): HostPath.HostPath =>
  Instance.make({
    prefix: asked.variables["INSTALLATION_PREFIX"],
    suffix: asked.variables["MULTI_INSTALL_SUFFIX"],
  }).installDir

/** The tree of a host with `D` and links resolved. */
const treeOf = ({ asked, host }: Pick<Scenario, "asked" | "host">): Tree => {
  const installDir = installDirOf(asked)
  const target = ([from, to]: readonly [string, string]) =>
    HostPath.join(HostPath.parent(HostPath.make(from)), ...(to.startsWith("/") ? ["/../../../..", to] : [to]))
  const through = (path: string): string =>
    host.links.reduce(
      (at, link) => (at.startsWith(`${link[0]}/`) ? `${target(link)}${at.slice(link[0].length)}` : at),
      path,
    )
  return Object.fromEntries([
    ...host.links.flatMap((link) => [
      [target(link), FileState.directory()] as const,
      [link[0], FileState.link(link[1])] as const,
    ]),
    ...(host.isMounted ? [[through(installDir), FileState.directory()] as const] : []),
    ...Object.entries(host.tree).map(
      ([path, state]) => [through(path.replace(/^D(?=\/|$)/, installDir)), state] as const,
    ),
  ])
}

const notAsked = Fact.unknown("not-asked", "the operator chose so")

/** A node in memory, with everything that a law wants to do to it. */
export const nodeOf = (scenario: Scenario) => {
  const { host, reach, stateDir } = scenario
  const installDir = installDirOf(scenario.asked)
  const { kind } = host
  const files = HostFilesMemory.make({
    tree: treeOf(scenario),
    archives: Object.fromEntries(
      Object.entries(archives[scenario.bases]).map(([name, entries]) => [
        `tarballs/kata-static-${name}.tar.zst`,
        entries,
      ]),
    ),
    artifacts: { "shim-components.json": manifest, "versions.yaml": "version: 1\n" },
    programs: {
      "nydus-snapshotter/containerd-nydus-grpc": "grpc",
      "nydus-snapshotter/nydus-image": "image",
      "nydus-snapshotter/nydus-overlayfs": "overlayfs",
    },
    mountPoints: host.isMounted ? [installDir] : [],
  })
  const shell = HostShellMemory.make(
    reach.systemd ? { units: { [kind.unit]: "active" } } : { control: notAsked },
  )
  const api = NodeApiMemory.make(
    reach.api
      ? {
          node: Fact.known({
            containerRuntimeVersion: kind.version,
            labels: { zone: "a" },
            runtimeHandlers: undefined,
          }),
        }
      : { node: notAsked, ownDaemonSetWantsNode: notAsked },
  )
  const settingsOf = (by: Asked): Settings.Settings =>
    Result.getOrThrow(
      Settings.decode({
        architecture: "x86_64",
        variables: {
          ...by.variables,
          ...(reach.api
            ? { NODE_NAME: "worker-1" }
            : kind.version === undefined
              ? {}
              : { CONTAINER_RUNTIME_VERSION: kind.version }),
        },
        customConfigs: { _tag: "Files", files: by.customConfigs },
        api: reach.api ? "used" : "not-used",
      }),
    )
  const request = (action: Plan.ActionName, by: Asked): Run.Request => ({
    action,
    settings: settingsOf(by),
    release: "test",
    stateDir,
    criRuntime: undefined,
    userDropIn: by.userDropIn === undefined ? undefined : FileState.file(by.userDropIn),
  })
  const provide = Effect.provide(
    Layer.mergeAll(files.layer, shell.layer, api.layer, Policies.layer, ImpatientClock.layer),
  )
  return {
    files,
    shell,
    api,
    /** The state directory of an operator's instance. */
    stateDirOf: (by: Asked) => stateDir ?? HostPath.join(installDirOf(by), ".kata-deploy"),
    settingsOf,
    /** Observes, plans and applies. */
    run: (action: Plan.ActionName, by: Asked) => provide(Run.run(request(action, by))),
    /** Observes and plans. */
    plan: (action: Plan.ActionName, by: Asked) => provide(Run.plan(request(action, by))),
    /** What a plan is made from. */
    inputs: (action: Plan.ActionName, by: Asked) => {
      const { release, settings, userDropIn } = request(action, by)
      const input = { action, settings, policies: Policies.standard }
      return provide(
        Effect.map(
          Observe.observe({
            ...input,
            release,
            stateDir: stateDir ?? Instance.defaultStateDir(settings.instance),
            namedRuntime: undefined,
            userDropIn,
          }),
          (facts): InstallPlan.PlanInput => ({ ...input, facts }),
        ),
      )
    },
    /** What is at a path; directories above it may be links. */
    look: (path: string): FileState.FileState => {
      const at = files.tree.resolve(HostPath.make(path))
      return at._tag === "Place" ? files.tree.get(at.path) : FileState.absent
    },
    /** Every path with its state; root's ownership is not spelt out. */
    snapshot: () =>
      Object.fromEntries(
        Object.entries(files.snapshot()).map(([at, state]) => {
          if ((state._tag !== "File" && state._tag !== "Directory") || state.owner?.uid !== 0)
            return [at, state]
          const { owner: _, ...rest } = state
          return [at, rest]
        }),
      ),
  }
}

/** A node in memory. */
export type Node = ReturnType<typeof nodeOf>

/** The steps of a plan that change something, in words. */
export const changing = (plan: Plan.Plan): ReadonlyArray<string> =>
  plan.stages.flatMap((stage) =>
    stage.stage === "label" || stage.stage === "restart"
      ? []
      : Plan.changingSteps(stage)
          .filter((s) => s.action._tag !== "Mark")
          .map((s) => PlanDocument.summary(s.action)),
  )

/** Examples per law; a night's worth of them is `LAW_RUNS=2000`. */
const runs = Number(process.env["LAW_RUNS"] ?? 12)

/** A test of a law on generated examples; a counterexample is printed with the seed that brings it back. */
export const law = <A>(
  name: string,
  arbitrary: fc.Arbitrary<A>,
  check: (example: A) => Effect.Effect<void, unknown>,
): void =>
  it(name, { timeout: 1_000 * runs }, () =>
    fc.assert(
      fc.asyncProperty(arbitrary, (example) =>
        // A report as part of the error would bury the counterexample.
        Effect.runPromise(Effect.mapError(check(example), String)),
      ),
      { numRuns: runs },
    ),
  )
