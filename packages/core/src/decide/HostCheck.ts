/**
 * Answers: what is worth saying about this node before anything is touched? Findings that forbid an install are
 * problems of the decision that they belong to; what is only worth knowing is here. Source: spec 09 §5; decisions §5.
 */
import type { Notice, Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as ContainerdVersion from "../model/ContainerdVersion.ts"
import type { RuntimeRow } from "../model/Distribution.ts"
import * as HostPath from "../model/HostPath.ts"

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

/** Settings that are understood but that this release cannot carry out; refused, so that nobody relies on them. */
export const notYet = (settings: Settings): ReadonlyArray<Problem> =>
  settings.setupSnapshotters.map((snapshotter) => ({
    code: "E_NOT_IN_THIS_RELEASE",
    setting: "EXPERIMENTAL_SETUP_SNAPSHOTTER",
    value: snapshotter,
    message: `This release cannot set up the snapshotter ${snapshotter} yet.`,
    remedy: "Leave EXPERIMENTAL_SETUP_SNAPSHOTTER out, and set the snapshotter up by other means.",
  }))

/** A problem for each path that the plan has to write and this process may not; what lies below one is left out. */
export const permissions = (unwritable: ReadonlyArray<HostPath.HostPath>): ReadonlyArray<Problem> =>
  unwritable
    .filter((path) => !unwritable.some((above) => HostPath.isBelow(path, above)))
    .map((path) => ({
      code: "E_NO_PERMISSION",
      path,
      message: `This process may not write ${path}, which the plan has to change.`,
      remedy: "Run it as root, or pass --host-root with a directory of your own.",
    }))
