/** What plans are made from in the benchmark: settings, and the facts of a node in memory. Observing is not measured. */
import { Effect, Layer, Result } from "effect"
import {
  Fact,
  HostPath,
  InstallPlan,
  KataConfig,
  Ledger,
  Observe,
  Ownership,
  Policies,
  Predict,
  Settings,
  Shim,
} from "@kata-deploy/core"
import { HostFilesMemory, HostShellMemory, NodeApiMemory, SampleArchive } from "@kata-deploy/core/testing"

/** A node to plan on. */
export interface Sample {
  readonly tree: NonNullable<HostFilesMemory.Options["tree"]>
  readonly version: string
  readonly variables: Readonly<Record<string, string>>
  readonly shims: ReadonlyArray<string>
  /** Whether units can be controlled, so that a restart is ours to do and to record. */
  readonly systemd: boolean
  /** Size of each base configuration in bytes, about; Kata's own have 30,000. */
  readonly baseBytes: number
}

const rancher = "/var/lib/rancher/k3s/agent/etc/containerd"

const rootOf3 = (imports: string) => `# rendered for this node
version = 3
${imports}
root = "/var/lib/containerd"

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins.'io.containerd.cri.v1.runtime']
  enable_selinux = false
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      SystemdCgroup = true

[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "registry.k8s.io/pause:3.10"
`

/** A k3s node with containerd 2.1, where a rendered main config imports a directory. */
export const k3s = {
  tree: { [`${rancher}/config.toml`]: rootOf3(`imports = ["${rancher}/config-v3.toml.d/*.toml"]`) },
  version: "containerd://2.1.5-k3s1",
}

/** A vanilla node with containerd 2.1, whose main config gets one more import. */
export const vanilla = {
  tree: {
    "/etc/containerd/config.toml": rootOf3('imports = ["/etc/containerd/certs.toml"]'),
    "/etc/containerd/certs.toml": "oom_score = -999\n",
  },
  version: "containerd://2.1.5",
}

/** The 20 shims of x86_64. */
export const allShims: ReadonlyArray<string> = Shim.defaultShims("x86_64")

const baseConfig = (hypervisor: string, bytes: number): string => {
  const remark =
    "# What this option does is told here at length, as Kata's own configuration files do it.\n#option = 1\n\n"
  return `[hypervisor.${hypervisor}]
path = "/opt/kata/bin/${hypervisor}"
kernel = "/opt/kata/share/kata-containers/vmlinux.container"
image = "/opt/kata/share/kata-containers/kata-containers.img"
machine_type = "q35"
enable_annotations = ["enable_iommu", "virtio_fs_extra_args", "kernel_params"]
kernel_params = "cgroup_no_v1=all systemd.unified_cgroup_hierarchy=1"
default_vcpus = 1
default_memory = 2048
shared_fs = "virtio-fs"
virtio_fs_daemon = "/opt/kata/libexec/virtiofsd"
valid_virtio_fs_daemon_paths = ["/opt/kata/libexec/virtiofsd"]

${remark.repeat(Math.ceil(Math.max(0, bytes - 800) / remark.length))}[agent.kata]
kernel_modules = []

[runtime]
enable_debug = false
sandbox_cgroup_only = false
`
}

const archivesOf = (bytes: number, remark: string): Readonly<Record<string, SampleArchive.SampleArchive>> => {
  const configs = (runtime: Shim.ShimRow["runtime"]) =>
    allShims.flatMap((shim) => {
      const row = Shim.lookup(shim)!
      return row.runtime === runtime
        ? [
            SampleArchive.file(
              `share/defaults/kata-containers/${KataConfig.baseKey(shim, row)}`,
              baseConfig(row.hypervisor, bytes) + remark,
            ),
          ]
        : []
    })
  const archive = (name: string) => `tarballs/kata-static-${name}.tar.zst`
  return { [archive("shim-v2-go")]: configs("go"), [archive("shim-v2-rust")]: configs("rust") }
}

const manifest = JSON.stringify({
  shims: Object.fromEntries(
    allShims.map((shim) => [
      shim,
      { x86_64: [Shim.lookup(shim)!.runtime === "go" ? "shim-v2-go" : "shim-v2-rust"] },
    ]),
  ),
})

/** Variants of an input, more than anything would remember, so that no plan is quick because of the one before. */
const variants = 40

/**
 * Inputs to plan from in turns, each observed once; they differ by a comment in the main config and in every base
 * configuration. One alone shows what planning again within a run takes.
 */
export const inputsOf = (sample: Sample, count = variants): (() => InstallPlan.PlanInput) => {
  const inputs = Array.from({ length: count }, (_, at) => {
    const remark = `# node ${at}\n`
    const tree = Object.fromEntries(
      Object.entries(sample.tree).map(([path, state]) => [
        path,
        typeof state === "string" ? state + remark : state,
      ]),
    )
    return inputOf({ ...sample, tree }, remark)
  })
  return inTurns(inputs)
}

const inTurns = <A>(inputs: ReadonlyArray<A>): (() => A) => {
  let next = 0
  return () => inputs[next++ % inputs.length]!
}

/** The same node as its plan leaves it, with the digests and archives in the ledger that the engine fills in. */
const settled = (input: InstallPlan.PlanInput): InstallPlan.PlanInput => {
  const steps = Result.getOrThrow(InstallPlan.make(input)).stages.flatMap((stage) => stage.steps)
  const facts = Predict.after(input.facts, steps)
  if (facts.ledger._tag !== "Read") throw new Error("the plan records nothing")
  const ledger = Ledger.withDigests(facts.ledger.ledger, Ownership.digestAfter(steps))
  const components = ledger.components.map((component) => ({
    ...component,
    archive: facts.artifacts.archives.get(component.name)!.id,
  }))
  return { ...input, facts: { ...facts, ledger: { _tag: "Read", ledger: { ...ledger, components } } } }
}

/** Inputs of nodes on which an install changes nothing any more. */
export const settledInputsOf = (sample: Sample): (() => InstallPlan.PlanInput) => {
  const next = inputsOf(sample)
  return inTurns(Array.from({ length: variants }, () => settled(next())))
}

const inputOf = (sample: Sample, remark: string): InstallPlan.PlanInput => {
  const settings = Result.getOrThrow(
    Settings.decode({
      architecture: "x86_64",
      variables: {
        SHIMS_X86_64: sample.shims.join(" "),
        CONTAINER_RUNTIME_VERSION: sample.version,
        ...sample.variables,
      },
      customConfigs: { _tag: "Files", files: new Map() },
      api: "not-used",
    }),
  )
  const files = HostFilesMemory.make({
    tree: sample.tree,
    archives: archivesOf(sample.baseBytes, remark),
    artifacts: { "shim-components.json": manifest, "versions.yaml": "version: 1\n" },
  })
  const notAsked = Fact.unknown("not-asked", "the benchmark does not")
  const observed = Observe.observe({
    action: "install",
    settings,
    release: "bench",
    stateDir: HostPath.join(settings.instance.installDir, ".kata-deploy"),
    namedRuntime: undefined,
    userDropIn: undefined,
    policies: Policies.standard,
  }).pipe(
    Effect.provide(
      Layer.mergeAll(
        files.layer,
        HostShellMemory.make(sample.systemd ? {} : { control: notAsked }).layer,
        NodeApiMemory.make({ node: notAsked, ownDaemonSetWantsNode: notAsked }).layer,
      ),
    ),
  )
  return { action: "install", settings, facts: Effect.runSync(observed), policies: Policies.standard }
}
