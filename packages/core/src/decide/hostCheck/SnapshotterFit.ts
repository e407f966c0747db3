/**
 * Answers: can the snapshotters be set up on this host? Everything is found before the first write: without its
 * programs, EROFS would take the whole CRI down. Source: spec 09 §5 item 6; decisions §5; 12 W-24.
 */
import type { Notice, Problem } from "../../input/Problem.ts"
import type { Settings } from "../../input/Settings.ts"
import * as ContainerdVersion from "../../model/ContainerdVersion.ts"
import * as Distribution from "../../model/Distribution.ts"
import type { ProbeFile } from "../../model/ProbeFile.ts"
import * as Erofs from "../Erofs.ts"
import * as Prerequisites from "../ErofsPrerequisites.ts"
import * as Snapshotter from "../Snapshotter.ts"
import * as NydusFit from "./NydusFit.ts"
import type { RuntimeFacts } from "./RuntimeFit.ts"

/** What was found of `mkfs.erofs`. */
export type MkfsErofs =
  | { readonly _tag: "Found"; readonly path: string; readonly missingOptions: ReadonlyArray<string> }
  | { readonly _tag: "Absent" }
  | { readonly _tag: "Unknown"; readonly why: string }

/** What is known of the host. */
export interface SnapshotterFacts extends RuntimeFacts, NydusFit.NydusFacts {
  readonly mkfs: MkfsErofs
  /** What a probe file showed where layers go; left out where nobody tried. */
  readonly probeFile?: ProbeFile | undefined
}

type Asked = Parameters<typeof NydusFit.problems>[0] & Pick<Settings, "erofs">

/** What keeps the snapshotters from being set up, and what is worth knowing. */
export interface Findings {
  readonly problems: ReadonlyArray<Problem>
  readonly notices: ReadonlyArray<Notice>
}

/** Looks at every snapshotter that is to be set up; CRI-O has none. */
export const findings = (settings: Asked, facts: SnapshotterFacts): Findings => {
  const { kinds, problems } = Snapshotter.parse(settings.setupSnapshotters)
  if (Distribution.lookup(facts.runtime)?.layout === "crio") {
    const asked = [...kinds, ...problems.map((problem) => problem.value)]
    return { problems: [], notices: asked.length === 0 ? [] : [notForCrio(asked.join(", "))] }
  }
  const erofs = kinds.includes("erofs") ? erofsFindings(settings, facts) : { problems: [], notices: [] }
  return {
    problems: [...problems, ...NydusFit.problems(settings, facts), ...erofs.problems],
    notices: [...NydusFit.notices(settings, facts), ...erofs.notices],
  }
}

const notForCrio = (asked: string): Notice => ({
  code: "snapshotters-need-containerd",
  severity: "warning",
  message: `EXPERIMENTAL_SETUP_SNAPSHOTTER asks for ${asked}, which only containerd has; it has no effect with CRI-O.`,
})

const erofsFindings = (settings: Asked, facts: SnapshotterFacts): Findings => {
  const features = settings.erofs.dmverity
    ? (["erofs", "device-mapper", "dm-verity"] as const)
    : (["erofs"] as const)
  const kernel = features.map((feature) => kernelFinding(feature, facts.kernel))
  const mkfs = mkfsFinding(facts.mkfs)
  return {
    problems: [
      ...tooOld(settings, facts.version),
      ...kernel.flatMap((finding) => finding.problems),
      ...mkfs.problems,
      ...Erofs.goGuard(settings.erofs.mergeMode, Erofs.usersIn(settings)),
    ],
    notices: [...kernel.flatMap((finding) => finding.notices), ...mkfs.notices, ...fsverity(facts)],
  }
}

const tooOld = ({ erofs }: Asked, text: string | undefined): ReadonlyArray<Problem> => {
  const version = text === undefined ? undefined : ContainerdVersion.parse(text)
  const problem = Erofs.versionProblem(version, text) ?? Erofs.dmverityProblem(erofs, version)
  return problem === undefined ? [] : [problem]
}

const kernelFinding = (
  feature: Prerequisites.KernelFeature,
  witnesses: Prerequisites.KernelWitnesses,
): Findings => {
  const { module, symbol } = Prerequisites.kernelFeatures[feature]
  const seen = Prerequisites.kernelFeature(feature, witnesses)
  if (seen === "present") return { problems: [], notices: [] }
  if (seen === "unknown") {
    return {
      problems: [],
      notices: [
        {
          code: "kernel-feature-unknown",
          severity: "warning",
          message: `It could not be seen whether the kernel has ${feature}, which the erofs snapshotter needs.`,
          remedy: `Check with: lsmod | grep ${module}; grep ${symbol} /boot/config-$(uname -r).`,
        },
      ],
    }
  }
  return {
    problems: [
      {
        code: "E_KERNEL_FEATURE_MISSING",
        setting: "EXPERIMENTAL_SETUP_SNAPSHOTTER",
        value: "erofs",
        message:
          seen === "loadable"
            ? `The kernel has ${feature} as a module that is not loaded, and nothing here may load it. The erofs snapshotter needs it.`
            : `The kernel has no ${feature}, which the erofs snapshotter needs.`,
        remedy:
          seen === "loadable"
            ? `Load it with modprobe ${module}, and at each start with a file in /etc/modules-load.d.`
            : `Use a kernel with ${symbol}, or leave erofs out.`,
      },
    ],
    notices: [],
  }
}

const mkfsFinding = (mkfs: MkfsErofs): Findings => {
  const needed = "erofs-utils 1.8.2 or newer"
  switch (mkfs._tag) {
    case "Absent":
      return {
        problems: [
          {
            code: "E_MKFS_EROFS_MISSING",
            setting: "EXPERIMENTAL_SETUP_SNAPSHOTTER",
            value: "erofs",
            message: `mkfs.erofs is not on this host (looked in ${Prerequisites.mkfsDirectories.join(", ")}), and without it the CRI plugin of containerd does not load.`,
            remedy: `Install ${needed} on the host.`,
          },
        ],
        notices: [],
      }
    case "Found":
      return mkfs.missingOptions.length === 0
        ? { problems: [], notices: [] }
        : {
            problems: [
              {
                code: "E_MKFS_EROFS_TOO_OLD",
                setting: "EXPERIMENTAL_SETUP_SNAPSHOTTER",
                value: "erofs",
                path: mkfs.path,
                message: `${mkfs.path} does not know ${mkfs.missingOptions.map((option) => `--${option}`).join(" and ")}, so no layer could be made with it.`,
                remedy: `Install ${needed} on the host.`,
              },
            ],
            notices: [],
          }
    case "Unknown":
      return {
        problems: [],
        notices: [
          {
            code: "mkfs-erofs-unknown",
            severity: "warning",
            message: `It could not be seen whether the host has mkfs.erofs (${mkfs.why}).`,
            remedy: `Make sure that ${needed} is installed.`,
          },
        ],
      }
  }
}

/** Said wherever a probe file has not settled it: what the kernel can do says nothing about the filesystem. */
const fsverity = ({ kernel, probeFile }: SnapshotterFacts): ReadonlyArray<Notice> => {
  if (probeFile !== undefined && probeFile.fsverity._tag !== "Unknown") return []
  const seen = Prerequisites.kernelFeature("fs-verity", kernel)
  return [
    {
      code: "fs-verity",
      severity: "warning",
      message: `The kernel ${seen === "present" ? "has fs-verity" : seen === "unknown" ? "could not be asked for fs-verity" : "has no fs-verity"}; whether layers get it depends on the filesystem of containerd's root as well.`,
    },
  ]
}
