/**
 * Answers: can nydus be set up on this host, and will guests be able to use it? Source: spec 09 §5; facts nydus §10;
 * docs/decisions/0006.
 */
import type { Notice, Problem } from "../../input/Problem.ts"
import type { Settings } from "../../input/Settings.ts"
import * as Prerequisites from "../ErofsPrerequisites.ts"
import { guestPull } from "../KubeletAdvice.ts"
import * as NydusHostShare from "../NydusHostShare.ts"
import * as NydusMode from "../NydusMode.ts"
import * as SnapshotterSetup from "../SnapshotterSetup.ts"

/** What is known of the host and of the artifact directory. */
export interface NydusFacts {
  readonly kernel: Prerequisites.KernelWitnesses
  /** What is in the artifact directory's `nydus-snapshotter/`; absent where the check does not look there. */
  readonly nydusPrograms?: SnapshotterSetup.NydusPrograms
}

type Asked = Pick<
  Settings,
  | "setupSnapshotters"
  | "nydusHs"
  | "instance"
  | "snapshotterMapping"
  | "customRuntimes"
  | "pullTypeMapping"
  | "forceGuestPull"
>

/** What keeps nydus from being set up, in either mode. */
export const problems = (settings: Asked, facts: NydusFacts): ReadonlyArray<Problem> =>
  SnapshotterSetup.modesOf(settings).flatMap((mode) => [
    ...NydusMode.socketProblems(mode, settings.instance),
    ...(facts.nydusPrograms?._tag === "Known"
      ? SnapshotterSetup.programProblems(mode, facts.nydusPrograms)
      : []),
  ])

/** What is worth knowing about nydus. */
export const notices = (settings: Asked, facts: NydusFacts): ReadonlyArray<Notice> => {
  const modes = SnapshotterSetup.modesOf(settings)
  return [
    ...(modes.length > 0 && facts.nydusPrograms?._tag === "Unknown"
      ? [programsUnseen(facts.nydusPrograms.why)]
      : []),
    ...(modes.includes("host-share")
      ? [
          NydusHostShare.guestNotice(settings.nydusHs),
          NydusHostShare.registryNotice,
          ...hostKernel(facts.kernel),
        ]
      : []),
    ...pulledTwice(settings),
  ]
}

const programsUnseen = (why: string): Notice => ({
  code: "nydus-programs-unknown",
  severity: "warning",
  message: `It could not be seen whether the artifact directory has the programs of nydus (${why}); an install refuses to begin without them.`,
})

/** Only a warning: guests mount the disks with a kernel of their own. */
const hostKernel = (witnesses: Prerequisites.KernelWitnesses): ReadonlyArray<Notice> => {
  const seen = Prerequisites.kernelFeature("erofs", witnesses)
  if (seen === "present") return []
  const what = {
    unknown: "It could not be seen whether the kernel of the host has EROFS.",
    loadable: "The kernel of the host has EROFS as a module that is not loaded.",
    absent: "The kernel of the host has no EROFS.",
  }[seen]
  return [
    {
      code: "nydus-hs-host-kernel",
      severity: "warning",
      message: `${what} Guests mount what nydus-hs shares with their own kernel, but without it nobody can look into those disks on the host.`,
      remedy: "Load it with modprobe erofs where you need that; it can read these disks since Linux 6.4.",
    },
  ]
}

/** A handler that is to pull in the guest what the host shares with it pulls twice, or not what was meant. */
const pulledTwice = (settings: Asked): ReadonlyArray<Notice> => {
  const shared = settings.snapshotterMapping
    .filter(({ value }) => value === "nydus-hs")
    .map(({ key }) => key)
    .filter(
      (shim) =>
        settings.forceGuestPull.includes(shim) ||
        settings.pullTypeMapping.some(({ key, value }) => key === shim && value === guestPull),
    )
  const custom = settings.customRuntimes
    .filter(({ pullType, snapshotter }) => snapshotter === "nydus-hs" && pullType === guestPull)
    .map(({ handler }) => handler)
  const both = [...shared, ...custom]
  return both.length === 0
    ? []
    : [
        {
          code: "nydus-hs-with-guest-pull",
          severity: "warning",
          message: `${both.join(", ")} ${both.length === 1 ? "is" : "are"} mapped to nydus-hs, which shares images of the host, and told to pull images inside the guest as well; the guest would not use what is shared.`,
          remedy: "Map to nydus for guest pull, or leave the pull type out for host sharing.",
        },
      ]
}
