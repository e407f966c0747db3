/** A node in memory with small archives, for tests of the engine and of the laws. */
import { Effect, Layer, Result } from "effect"
import { Fact, type FileState, HostPath, Policies, type Run, Settings } from "../../src/index.ts"
import {
  HostFilesMemory,
  HostShellMemory,
  ImpatientClock,
  NodeApiMemory,
  SampleArchive,
} from "../../src/testing/index.ts"

/** Kata configuration of a hypervisor, as small as it gets. */
export const kataConfig = (hypervisor: string): string =>
  `[hypervisor.${hypervisor}]
path = "/opt/kata/bin/${hypervisor}"
kernel = "/opt/kata/share/kata-containers/vmlinux.container"
enable_annotations = ["enable_iommu"]
kernel_params = "quiet"

[runtime]
enable_debug = false
`

const defaults = "share/defaults/kata-containers"

/** Component archives by name. */
export const archives: Readonly<Record<string, SampleArchive.SampleArchive>> = {
  "shim-v2-go": [
    SampleArchive.directory("bin"),
    SampleArchive.file("bin/containerd-shim-kata-v2", "go shim", 0o755),
    SampleArchive.file(`${defaults}/configuration-qemu.toml`, kataConfig("qemu")),
    SampleArchive.file(`${defaults}/configuration-clh.toml`, kataConfig("clh")),
    SampleArchive.link(`${defaults}/configuration.toml`, "configuration-qemu.toml"),
  ],
  "shim-v2-rust": [
    SampleArchive.file("runtime-rs/bin/containerd-shim-kata-v2", "rust shim", 0o755),
    SampleArchive.file(`${defaults}/runtime-rs/configuration-qemu-runtime-rs.toml`, kataConfig("qemu")),
  ],
  qemu: [SampleArchive.file("bin/qemu-system-x86_64", "qemu", 0o755)],
  kernel: [
    SampleArchive.file("share/kata-containers/vmlinux-6.12", "kernel"),
    SampleArchive.link(
      "share/kata-containers/vmlinux.container",
      "/opt/kata/share/kata-containers/vmlinux-6.12",
    ),
  ],
}

const manifest = JSON.stringify({
  shims: {
    qemu: { x86_64: ["shim-v2-go", "qemu", "kernel"] },
    clh: { x86_64: ["shim-v2-go", "kernel"] },
    "qemu-runtime-rs": { x86_64: ["shim-v2-rust", "qemu", "kernel"] },
  },
})

/** A double of the host's files with the sample archives below the artifact directory. */
export const host = (
  tree: NonNullable<HostFilesMemory.Options["tree"]>,
  rest: Omit<HostFilesMemory.Options, "tree" | "archives" | "artifacts"> = {},
): HostFilesMemory.HostFilesMemory =>
  HostFilesMemory.make({
    ...rest,
    tree,
    archives: Object.fromEntries(
      Object.entries(archives).map(([name, entries]) => [`tarballs/kata-static-${name}.tar.zst`, entries]),
    ),
    artifacts: { "shim-components.json": manifest, "versions.yaml": "version: 1\n" },
  })

/** Settings from variables, as an operator writes them; the API is not used. */
export const settings = (variables: Readonly<Record<string, string>>): Settings.Settings =>
  Result.getOrThrow(
    Settings.decode({
      architecture: "x86_64",
      variables: { SHIMS_X86_64: "qemu", ...variables },
      customConfigs: { _tag: "Files", files: new Map() },
      api: "not-used",
    }),
  )

/** A request with nothing special about it. */
export const request = (
  action: Run.Request["action"],
  variables: Readonly<Record<string, string>> = {},
): Run.Request => ({
  action,
  settings: settings(variables),
  release: "test",
  stateDir: undefined,
  criRuntime: undefined,
  userDropIn: undefined,
})

/** What the operator chose not to ask. */
export const notAsked = Fact.unknown("not-asked", "the operator chose so")

/** Every port and policy around a host in memory, without systemd and without API. */
export const layer = (
  files: HostFilesMemory.HostFilesMemory,
  shell: HostShellMemory.HostShellMemory = HostShellMemory.make({ control: notAsked }),
  api: NodeApiMemory.NodeApiMemory = NodeApiMemory.make({ node: notAsked, ownDaemonSetWantsNode: notAsked }),
) => Layer.mergeAll(files.layer, shell.layer, api.layer, Policies.layer, ImpatientClock.layer)

/** Runs an effect on the host. */
export const on =
  (files: HostFilesMemory.HostFilesMemory) =>
  <A, E>(effect: Effect.Effect<A, E, Run.Requirements>): Effect.Effect<A, E> =>
    Effect.provide(effect, layer(files))

/** A host path. */
export const path = HostPath.make

/** The tree with root's files spelt without their owner, as the samples spell them. */
export const snapshot = (
  files: HostFilesMemory.HostFilesMemory,
): Readonly<Record<string, FileState.FileState>> =>
  Object.fromEntries(
    Object.entries(files.snapshot()).map(([at, state]) => {
      if (state._tag !== "File") return [at, state]
      const { owner, ...rest } = withoutTimes(at, state)
      return [at, owner === undefined || owner.uid === 0 ? rest : { ...rest, owner }]
    }),
  )

type File = Extract<FileState.FileState, { readonly _tag: "File" }>

/** The ledger without the times of files, which differ when one was put in its place more than once. */
const withoutTimes = (at: string, state: File): File =>
  at.endsWith("/ledger.json")
    ? { ...state, text: state.text.replaceAll(/,\s*"(?:modified|changed)Ms":\s*\d+/g, "") }
    : state
