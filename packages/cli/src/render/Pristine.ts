/**
 * Answers: what does a plan make of the Kata configurations that the archives deliver? A new configuration is mostly
 * what its archive says, so people see it against that text, and the kept copy of the archive's text in one line.
 */
import { HostPath, Plan } from "@kata-deploy/core"

/** Place of a kept copy below a state directory: `base/<digest>/configuration-qemu.toml`, maybe one level deeper. */
const keptCopy = /\/base\/[0-9a-f]{16}\/(?:[^/]+\/)?(configuration-[^/]+\.toml)$/

/** Texts of the pristine configurations in a plan, by file name. */
export type PristineTexts = ReadonlyMap<string, string>

/** Whether a path is a kept copy of a pristine configuration. */
export const isKept = (path: HostPath.HostPath): boolean => keptCopy.test(path)

/** The pristine configurations that a plan keeps. */
export const textsOf = (plan: Pick<Plan.Plan, "stages">): PristineTexts => {
  const texts = new Map<string, string>()
  for (const { after, path } of Plan.puts(plan)) {
    const name = keptCopy.exec(path)?.[1]
    if (name !== undefined && after._tag === "File") texts.set(name, after.text)
  }
  return texts
}

/** The pristine text that a file was made from, if the plan knows it. */
export const sourceOf = (texts: PristineTexts, path: HostPath.HostPath): string | undefined =>
  isKept(path) ? undefined : texts.get(HostPath.baseName(path))
