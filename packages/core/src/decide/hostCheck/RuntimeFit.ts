/**
 * Answers: can this CRI runtime be configured as the settings ask? Its name, the declared distribution, its age, and
 * whether it lets several installs live beside each other. Source: spec 09 §5 items 1–5; 12 W-19, W-24.
 */
import type { Fact } from "../../input/Fact.ts"
import { didYouMean } from "../../input/NearestName.ts"
import type { Problem } from "../../input/Problem.ts"
import type { Settings } from "../../input/Settings.ts"
import * as ContainerdVersion from "../../model/ContainerdVersion.ts"
import * as Distribution from "../../model/Distribution.ts"

/** What is known of the runtime. */
export interface RuntimeFacts {
  /** Its name, as detected or named. */
  readonly runtime: string
  /** Its version as text, if anybody knows it. */
  readonly version: string | undefined
}

type Asked = Pick<Settings, "instance" | "k8sDistribution" | "snapshotterMapping" | "customRuntimes">

/** Every problem between the runtime and the settings. */
export const problems = (settings: Asked, facts: RuntimeFacts): ReadonlyArray<Problem> => {
  const row = Distribution.lookup(facts.runtime)
  if (row === undefined) return [unsupported(facts.runtime)]
  const version = facts.version === undefined ? undefined : ContainerdVersion.parse(facts.version)
  return [
    ...declared(settings.k8sDistribution, row),
    ...mapping(settings, row, facts.version),
    ...suffix(settings, row, version),
  ]
}

const unsupported = (runtime: string): Problem => ({
  code: "E_UNSUPPORTED_RUNTIME",
  value: runtime,
  message: `The CRI runtime ${JSON.stringify(runtime)} is not one that can be configured.${didYouMean(runtime, Distribution.runtimeNames)}`,
  remedy: `Use a node with one of ${Distribution.runtimeNames.join(", ")}.`,
})

const declared = (text: string | undefined, row: Distribution.RuntimeRow): ReadonlyArray<Problem> => {
  const fit = Distribution.fits(text, row.runtime)
  if (text === undefined || fit.accepted) return []
  return [
    {
      code: "E_DISTRIBUTION_MISMATCH",
      setting: "K8S_DISTRIBUTION",
      value: text,
      message: `K8S_DISTRIBUTION says ${text}, but this node runs ${row.runtime}. The wrong host directory would be configured.`,
      remedy: `Set K8S_DISTRIBUTION=${fit.suggested}.`,
    },
  ]
}

/** containerd 1.6 and older have one snapshotter for all handlers; CRI-O knows no snapshotters. */
export const mapping = (
  settings: Pick<Settings, "snapshotterMapping" | "customRuntimes">,
  row: Distribution.RuntimeRow,
  versionText: string | undefined,
): ReadonlyArray<Problem> => {
  const version = versionText === undefined ? undefined : ContainerdVersion.parse(versionText)
  const mapped = [
    ...settings.snapshotterMapping.map((item) => item.key),
    ...settings.customRuntimes.filter((c) => c.snapshotter !== undefined).map((c) => c.handler),
  ]
  if (row.layout === "crio" || mapped.length === 0 || ContainerdVersion.takesSnapshotterPerHandler(version))
    return []
  return [
    {
      code: "E_CONTAINERD_TOO_OLD_FOR_SNAPSHOTTER",
      setting: "SNAPSHOTTER_HANDLER_MAPPING",
      message: `${mapped.join(", ")} shall use a snapshotter of their own, which containerd ${ContainerdVersion.format(version!)} ignores.`,
      remedy: "Upgrade containerd to 1.7 or newer, or take the mapping away.",
    },
  ]
}

/**
 * Whether the operator's version is that of another generation than the daemon's: containerd 1.x replaces whole tables
 * where 2.x merges keys, so a configuration for the one may take the CRI down in the other.
 */
export const named = (
  { containerRuntimeVersion }: Pick<Settings, "containerRuntimeVersion">,
  says: Fact<string> | undefined,
): ReadonlyArray<Problem> => {
  const others = versions(containerRuntimeVersion, says)
  if (others === undefined || others.wanted.major === others.found.major) return []
  return [mismatch(others, "which reads its configuration differently. It could come back without its CRI.")]
}

/** The operator's version and the daemon's own, where both are known. */
const versions = (declared: string | undefined, says: Fact<string> | undefined) => {
  if (declared === undefined || says?._tag !== "Known") return undefined
  const wanted = ContainerdVersion.parse(declared)
  const text = says.value.replace(/^containerd\s+/, "")
  const found = ContainerdVersion.parse(text)
  return wanted === undefined || found === undefined ? undefined : { declared, wanted, text, found }
}

const mismatch = (
  { declared, text }: { readonly declared: string; readonly text: string },
  why: string,
): Problem => ({
  code: "E_RUNTIME_VERSION_MISMATCH",
  setting: "CONTAINER_RUNTIME_VERSION",
  value: declared,
  message: `CONTAINER_RUNTIME_VERSION says ${declared}, but this node runs containerd ${text}, ${why}`,
  remedy: `Set CONTAINER_RUNTIME_VERSION=containerd://${text}, or leave it out where the Node can be asked.`,
})

/** Another minor release of the same generation than the operator names. */
export interface OtherMinor {
  /** The daemon's own version, as `CONTAINER_RUNTIME_VERSION` says it. */
  readonly version: string
  /** What is wrong where anything depends on it. */
  readonly problem: Problem
}

/** The daemon's own version, where it is of another minor release than the operator's. */
export const otherMinor = (
  { containerRuntimeVersion }: Pick<Settings, "containerRuntimeVersion">,
  says: Fact<string> | undefined,
): OtherMinor | undefined => {
  const others = versions(containerRuntimeVersion, says)
  if (others === undefined) return undefined
  const { found, text, wanted } = others
  return wanted.major !== found.major || wanted.minor === found.minor
    ? undefined
    : {
        version: `containerd://${text}`,
        problem: mismatch(others, "for which another configuration would be written."),
      }
}

/** In a main config without drop-ins, one backup and one block would have to serve several installs. */
const suffix = (
  { instance }: Asked,
  row: Distribution.RuntimeRow,
  version: ContainerdVersion.ContainerdVersion | undefined,
): ReadonlyArray<Problem> => {
  if (instance.suffix === undefined || row.layout !== "main") return []
  if (version === undefined || ContainerdVersion.atLeast(version, 2, 0)) return []
  return [
    {
      code: "E_MULTI_INSTALL_NEEDS_DROPIN",
      setting: "MULTI_INSTALL_SUFFIX",
      value: instance.suffix,
      message: `containerd ${ContainerdVersion.format(version)} takes no drop-ins, so several installs would have to share its main config.`,
      remedy: "Upgrade containerd to 2.0 or newer, or install without MULTI_INSTALL_SUFFIX.",
    },
  ]
}
