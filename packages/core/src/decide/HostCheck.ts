/**
 * Answers: what is wrong with this node, or worth saying about it, before anything is touched? Brings the findings of
 * `hostCheck/` together, in the order of spec 09 §5; every problem is found, not only the first.
 * Source: spec 09 §5; decisions §5; 12 W-24.
 */
import type { Fact } from "../input/Fact.ts"
import type { Notice, Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as ContainerdVersion from "../model/ContainerdVersion.ts"
import type { RuntimeRow } from "../model/Distribution.ts"
import * as HostPath from "../model/HostPath.ts"
import * as MachineFit from "./hostCheck/MachineFit.ts"
import * as NydusFit from "./hostCheck/NydusFit.ts"
import * as RuntimeFit from "./hostCheck/RuntimeFit.ts"
import * as SnapshotterFit from "./hostCheck/SnapshotterFit.ts"
import * as KubeletAdvice from "./KubeletAdvice.ts"
import * as Snapshotter from "./Snapshotter.ts"

export { MachineFit, NydusFit, RuntimeFit, SnapshotterFit }

/** What the whole check goes by. */
export interface HostCheckFacts extends SnapshotterFit.SnapshotterFacts {
  readonly machine: MachineFit.MachineFacts
  /** The kubelet's `configz`; *not asked* in staged actions, which have no API. */
  readonly configz: Fact<unknown>
}

/** Whether images are pulled or converted while containers are created, for which a kubelet needs patience. */
export const asksKubelet = (settings: Settings): boolean =>
  KubeletAdvice.settingsUseGuestPull(settings) ||
  Snapshotter.parse(settings.setupSnapshotters).kinds.some((kind) => kind === "erofs" || kind === "nydus-hs")

/** The whole check over facts; what could not be seen refuses nothing. */
export const check = (settings: Settings, facts: HostCheckFacts): SnapshotterFit.Findings => {
  const snapshotters = SnapshotterFit.findings(settings, facts)
  const asked = facts.configz._tag === "Known" || facts.configz.how !== "not-asked"
  const advice = asksKubelet(settings) && asked ? KubeletAdvice.advise(facts.configz) : undefined
  return {
    problems: [...RuntimeFit.problems(settings, facts), ...snapshotters.problems],
    notices: [
      ...MachineFit.notices(settings, facts.machine),
      ...snapshotters.notices,
      ...(advice === undefined ? [] : [advice]),
    ],
  }
}

/** Notices about the daemon and the settings together. */
export const notices = (
  settings: Settings,
  row: RuntimeRow,
  versionText: string | undefined,
): ReadonlyArray<Notice> => {
  const version = versionText === undefined ? undefined : ContainerdVersion.parse(versionText)
  if (row.layout === "crio" || version === undefined || ContainerdVersion.atLeast(version, 1, 7)) return []
  return [
    {
      code: "containerd-1.6-ignores-runtime-path",
      severity: "warning",
      message: `containerd ${ContainerdVersion.format(version)} ignores runtime_path and looks for each handler's shim by name in its PATH.`,
      remedy: `Link ${settings.handlers.map((h) => `containerd-shim-${h.name}-v2`).join(", ")} into a directory of containerd's PATH, or upgrade to 1.7.`,
    },
  ]
}

/** A problem for each path that the plan has to write and this process may not; what lies below one is left out. */
export const permissions = (unwritable: ReadonlyArray<HostPath.HostPath>): ReadonlyArray<Problem> =>
  unwritable
    .filter((path) => !unwritable.some((above) => HostPath.isBelow(path, above)))
    .map((path) => ({
      code: "E_NO_PERMISSION",
      path,
      message: `This process may not write ${path}, which the plan has to change.`,
      remedy:
        "Run it as root, on a filesystem that is mounted for writing, or pass --host-root with a directory of your own.",
    }))
