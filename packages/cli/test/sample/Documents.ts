/** A plan, reports and a status as the engine would make them, with everything that rendering has to show. */
import {
  Change,
  FileState,
  HostPath,
  type ModeReport,
  NydusModeChange,
  Plan,
  type Report,
  type SnapshotsReport,
  type Status,
} from "@kata-deploy/core"

const path = HostPath.make
const kata = "/opt/kata/share/defaults/kata-containers"
const pristine =
  '[hypervisor.qemu]\npath = "/opt/kata/bin/qemu"\nkernel_params = ""\n\n[runtime]\nenable_debug = false\n'

const newDirectory = (at: string) =>
  Plan.put(Change.make(path(at), FileState.absent, FileState.directory()), "it is missing")

const newFile = (at: string, text: string, because: string) =>
  Plan.put(Change.make(path(at), FileState.absent, FileState.file(text)), because)

/** An install on a vanilla node with containerd 2.1. */
export const installPlan: Plan.Plan = {
  action: "install",
  instance: "default",
  runtime: "containerd",
  handlers: ["kata-qemu", "kata-clh"],
  stages: [
    { stage: "host-check", steps: [] },
    {
      stage: "artifacts",
      steps: [
        newDirectory("/opt/kata"),
        newDirectory(`${kata}/runtimes`),
        newDirectory(`${kata}/runtimes/qemu`),
        newDirectory(`${kata}/runtimes/clh`),
        Plan.step(
          {
            _tag: "Extract",
            into: path("/opt/kata"),
            staging: path("/opt/kata/.kata-deploy/staging"),
            components: ["cloud-hypervisor", "kernel", "qemu", "rootfs-image", "shim-v2-go", "virtiofsd"].map(
              (name) => ({
                name,
                archive: `tarballs/kata-static-${name}.tar.zst`,
                id: { sha256: "0".repeat(64), size: 1, modifiedMs: 0 },
                replaces: [],
              }),
            ),
            except: [],
            owned: [],
          },
          "the enabled shims need these components",
        ),
        newFile(
          "/opt/kata/.kata-deploy/base/0123456789abcdef/configuration-qemu.toml",
          pristine,
          "the pristine configuration, for later runs",
        ),
        newFile(
          `${kata}/runtimes/qemu/configuration-qemu.toml`,
          pristine.replace("enable_debug = false", "enable_debug = true"),
          "shim qemu is enabled",
        ),
        Plan.put(
          Change.make(
            path(`${kata}/configuration-qemu.toml`),
            FileState.file(pristine),
            FileState.link("runtimes/qemu/configuration-qemu.toml"),
          ),
          "the copy in runtimes/qemu is the one that is read",
        ),
        Plan.put(
          Change.make(path("/opt/kata/versions.yaml"), FileState.file("a: 1\n"), FileState.file("a: 1\n")),
          "it names the versions of the artifacts",
        ),
      ],
    },
    {
      stage: "cri",
      steps: [
        Plan.put(
          Change.make(
            path("/etc/containerd/config.toml"),
            FileState.file(
              'version = 3\nimports = []\n\n[plugins.proxy]\npassword = "hunter2"\naddress = "https://me:secret@proxy:3128"\n',
              0o600,
            ),
            FileState.file(
              'version = 3\nimports = ["/opt/kata/containerd/config.d/kata-deploy.toml"]\n\n[plugins.proxy]\npassword = "hunter2"\naddress = "https://me:secret@proxy:3128"\n',
              0o644,
            ),
          ),
          "containerd only loads drop-ins that its main config imports",
        ),
        Plan.put(
          Change.make(path("/etc/containerd/conf.d"), FileState.directory(), FileState.directory()),
          "it is there",
        ),
        Plan.put(
          Change.make(path("/etc/containerd/old.toml"), FileState.absent, FileState.absent),
          "nothing of an older release is left",
        ),
      ],
    },
  ],
  restarts: [{ unit: "containerd.service", due: "not-ours" }],
  sandboxes: null,
  refused: null,
  notices: [
    {
      code: "assumed",
      severity: "info",
      message: "The host has /etc/containerd, so containerd was assumed.",
    },
    {
      code: "devkit-without-debug",
      severity: "warning",
      message: "DEVKIT is on but DEBUG is off, so no devkit variant is made.",
      remedy: "Set DEBUG=true as well.",
    },
  ],
  residues: [],
}

/** A cleanup that removes a drop-in, a tree, and empty directories. */
export const cleanupPlan: Plan.Plan = {
  ...installPlan,
  action: "cleanup",
  stages: [
    {
      stage: "revert-cri",
      steps: [
        Plan.put(
          Change.make(
            path("/etc/containerd/conf.d/kata-deploy.toml"),
            FileState.file("# ours\n[a]\nb = 1\n"),
            FileState.absent,
          ),
          "it is our drop-in",
        ),
      ],
    },
    {
      stage: "remove-artifacts",
      steps: [
        Plan.step(
          { _tag: "RemoveTree", root: path("/opt/kata"), entries: "everything", reserved: [] },
          "another program installed it, and left no ledger",
        ),
        Plan.step(
          { _tag: "Prune", directories: [path("/opt/kata/share"), path("/opt/kata")] },
          "these were made by the install",
        ),
      ],
    },
  ],
  restarts: [{ unit: "k0sworker.service", due: "reloads-itself" }],
  sandboxes: ["web-1", "web-2"],
  notices: [],
  residues: ["/run/lock/kata-deploy.lock"],
}

const chainId = (at: number): string => `sha256:${String(at).padStart(2, "0").repeat(32)}`

/** A cleanup that purges what nydus stored in one way, and cannot in the other. */
export const purgingPlan: Plan.Plan = {
  ...cleanupPlan,
  stages: [
    {
      stage: "revert-cri",
      steps: [
        Plan.step(
          {
            _tag: "RemoveSnapshots",
            snapshotter: "nydus-for-kata-tee",
            socket: path("/run/containerd/containerd.sock"),
            namespaces: [
              {
                namespace: "k8s.io",
                order: Array.from({ length: 22 }, (_, at) => chainId(22 - at)),
                unlabel: [],
                images: ["registry.example.com/team/web:1", "registry.example.com/team/worker:12"],
              },
              { namespace: "moby", order: [chainId(1)], unlabel: [], images: ["example.com/one:1"] },
            ],
          },
          "containerd cannot remove them any more when nydus-for-kata-tee is gone",
        ),
        Plan.step(
          {
            _tag: "PurgeData",
            directory: path("/var/lib/nydus-for-kata-tee"),
            snapshotter: "nydus-for-kata-tee",
            unit: "nydus-for-kata-tee.service",
            socket: path("/run/containerd/containerd.sock"),
          },
          "its purge is asked for, and nothing refers to it any more",
        ),
        Plan.step(
          {
            _tag: "KeepData",
            directory: path("/var/lib/nydus-for-kata-hs"),
            because: "it is in use by web",
            remedy: "Remove what uses it.",
          },
          "it is in use by web",
        ),
      ],
    },
  ],
  restarts: [],
  sandboxes: [],
  residues: ["/run/lock/kata-deploy.lock", "/var/lib/nydus-for-kata-hs"],
}

/** A plan that finds nothing to do. */
export const emptyPlan: Plan.Plan = {
  ...installPlan,
  stages: installPlan.stages.map(({ stage }) => ({ stage, steps: [] })),
  restarts: [],
  sandboxes: [],
  notices: [],
}

const stepReport = (
  summary: string,
  outcome: Report.Report["stages"][number]["steps"][number]["outcome"],
) => ({
  summary,
  because: "it is needed",
  outcome,
  seconds: 0.25,
})

/** An install that went well. */
export const doneReport: Report.Report = {
  action: "install",
  instance: "default",
  runtime: "containerd",
  outcome: "done",
  handlers: ["kata-qemu"],
  stages: [
    { stage: "host-check", outcome: "done", steps: [] },
    {
      stage: "artifacts",
      outcome: "done",
      steps: [
        stepReport("unpack kernel into /opt/kata", "changed"),
        stepReport("keep /opt/kata/versions.yaml", "unchanged"),
      ],
    },
    { stage: "cri", outcome: "done", steps: [stepReport("change /etc/containerd/config.toml", "changed")] },
  ],
  restarts: [{ unit: "containerd.service", due: "not-ours" }],
  left: [],
  notices: [],
  failures: [],
  confirmed: { handlers: "unknown", missing: [], because: "the operator chose so", overwritten: [] },
}

/** An install whose last stage failed and was taken back. */
export const failedReport: Report.Report = {
  ...doneReport,
  outcome: "failed",
  stages: [
    doneReport.stages[0]!,
    doneReport.stages[1]!,
    {
      stage: "cri",
      outcome: "undone",
      steps: [
        stepReport("create /etc/containerd/conf.d/kata-deploy.toml", "undone"),
        stepReport("change /etc/containerd/config.toml", "failed"),
        stepReport("record what is ours in /opt/kata/.kata-deploy/ledger.json", "not-reached"),
      ],
    },
  ],
  // What was taken back is what the runtime has loaded already.
  restarts: [],
  confirmed: null,
  failures: ["Could not write /etc/containerd/config.toml: no space left on the filesystem"],
}

/** An install that somebody has to look at. */
export const incompleteReport: Report.Report = {
  ...failedReport,
  outcome: "incomplete",
  stages: [...failedReport.stages.slice(0, 2), { ...failedReport.stages[2]!, outcome: "failed" }],
  left: [{ path: "/opt/kata/mine.txt", why: "not ours" }],
}

/** Two instances, one with drift. */
export const statusWithDrift: Status.Status = {
  instances: [
    {
      name: "default",
      release: "4.1.0",
      runtime: "k3s",
      handlers: { written: ["kata-qemu", "kata-clh"], served: null },
      labels: null,
      drift: [
        {
          path: "/opt/kata/bin/containerd-shim-kata-v2",
          was: `sha256:${"a1".repeat(32)}`,
          is: `sha256:${"b2".repeat(32)}`,
        },
        { path: "/opt/kata/versions.yaml", was: "sha256:cc", is: "absent" },
      ],
      restartDue: true,
      journal: null,
    },
    {
      name: "blue",
      release: "4.0.0",
      runtime: "k3s",
      handlers: { written: ["kata-qemu-blue"], served: ["kata-qemu-blue"] },
      labels: { "katacontainers.io/kata-runtime": "true" },
      drift: [],
      restartDue: false,
      journal: "cri",
    },
  ],
}

const layer = (at: number): string => `sha256:${String(at).repeat(64)}`

/** A plan for two snapshots that can go, and one that is in use. */
export const snapshotsPlan: SnapshotsReport.SnapshotsReport = {
  action: "remove",
  snapshotter: "nydus-for-kata-tee",
  applied: false,
  namespaces: [
    {
      namespace: "k8s.io",
      order: [layer(2), layer(1)],
      blocked: [{ key: layer(3), because: "it is used by app" }],
      images: [],
      doubts: [],
      outcome: "blocked",
      figures: null,
    },
  ],
  left: null,
}

/** What became of that plan. */
export const snapshotsDone: SnapshotsReport.SnapshotsReport = {
  ...snapshotsPlan,
  applied: true,
  namespaces: snapshotsPlan.namespaces.map((namespace) => ({
    ...namespace,
    figures: { removed: 1, gone: 1, failed: [], leftOut: [], unlabelled: 0 },
  })),
  left: 1,
}

/** A change of mode that is shown. */
export const modeShown: ModeReport.ModeReport = {
  shim: "qemu",
  mode: "host-share",
  from: "nydus",
  applied: false,
  changes: [
    { variable: "SNAPSHOTTER_HANDLER_MAPPING_X86_64", before: "qemu:nydus", after: "qemu:nydus-hs" },
    { variable: "PULL_TYPE_MAPPING_X86_64", before: "qemu:guest-pull", after: null },
  ],
  handlers: ["kata-qemu", "kata-qemu-debug"],
  whyTwoNames: NydusModeChange.whyTwoNames,
  restarts: [{ unit: "containerd.service", due: "ours" }],
  notices: [
    {
      code: "set-mode-others-unknown",
      severity: "warning",
      message: "It could not be seen whether another snapshotter has the same name.",
      remedy: "Look at proxy_plugins.",
    },
  ],
  report: null,
}

/** The same, carried out. */
export const modeApplied: ModeReport.ModeReport = { ...modeShown, applied: true, report: doneReport }
