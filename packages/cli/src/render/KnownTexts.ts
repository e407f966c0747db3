/**
 * Answers: which text is a new file made from? A Kata configuration is mostly what its archive says, and a backup is
 * what the host has now; people see a new file against the text that they know already.
 */
import { HostPath, Plan } from "@kata-deploy/core"

/** Place of a kept copy below a state directory: `base/<digest>/configuration-qemu.toml`, maybe one level deeper. */
const keptCopy = /\/base\/[0-9a-f]{16}\/(?:[^/]+\/)?(configuration-[^/]+\.toml)$/

/** Texts that a plan speaks of. */
export interface KnownTexts {
  /** Configurations as their archives deliver them, by file name. */
  readonly delivered: ReadonlyMap<string, string>
  /** Path of each text that is on the host before the plan is carried out. */
  readonly present: ReadonlyMap<string, HostPath.HostPath>
}

/** Nothing is known. */
export const none: KnownTexts = { delivered: new Map(), present: new Map() }

/** Whether a path is a kept copy of a configuration as its archive delivers it. */
export const isKept = (path: HostPath.HostPath): boolean => keptCopy.test(path)

/** The texts that a plan speaks of. */
export const of = (plan: Pick<Plan.Plan, "stages">): KnownTexts => {
  const delivered = new Map<string, string>()
  const present = new Map<string, HostPath.HostPath>()
  for (const { after, before, path } of Plan.puts(plan)) {
    const name = keptCopy.exec(path)?.[1]
    if (name !== undefined && after._tag === "File") delivered.set(name, after.text)
    if (before._tag === "File") present.set(before.text, path)
  }
  return { delivered, present }
}

/** The delivered text that a file was made from, if the plan knows it. */
export const sourceOf = ({ delivered }: KnownTexts, path: HostPath.HostPath): string | undefined =>
  isKept(path) ? undefined : delivered.get(HostPath.baseName(path))
