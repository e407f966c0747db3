/**
 * Answers: which containerd is this, and which configuration schema does a file declare? Versions are
 * compared by major and minor only: as SemVer `2.2.0-k3s1` would sort below `2.2.0`. Source: spec 02 §1, 03 §4.
 */

/** The two numbers of a containerd release that decisions depend on. */
export interface ContainerdVersion {
  /** First number of the release. */
  readonly major: number
  /** Second number of the release. */
  readonly minor: number
}

/** Configuration schema of a containerd file; 1 also stands for "no `version` line". */
export type ConfigSchema = 1 | 2 | 3 | 4

/**
 * Reads `containerd://2.1.5-k3s1`, `v2.2.0`, `2.2` and the like. Anything that is not a containerd version
 * (`cri-o://1.34.0`, `docker://…`, `2`) gives `undefined`: unknown, never a guess.
 */
export const parse = (text: string): ContainerdVersion | undefined => {
  const match = /^\s*(?:containerd:\/\/)?v?(\d{1,9})\.(\d{1,9})(?!\d|\w*:\/\/)/.exec(text)
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) }
}

/** Why a text is no version: it has no two numbers, or one of them is none. */
export type Unparsable = "E_BAD_FORMAT" | "E_BAD_MAJOR" | "E_BAD_MINOR"

/** What keeps `parse` from reading a text. */
export const unparsable = (text: string): Unparsable | undefined => {
  if (parse(text) !== undefined) return undefined
  const [major = "", minor] = text
    .trim()
    .replace(/^containerd:\/\//, "")
    .split(".")
  if (minor === undefined) return "E_BAD_FORMAT"
  return /^v?\d{1,9}$/.test(major) ? "E_BAD_MINOR" : "E_BAD_MAJOR"
}

/** Whether `version` is `major.minor` or newer. */
export const atLeast = (version: ContainerdVersion, major: number, minor: number): boolean =>
  version.major > major || (version.major === major && version.minor >= minor)

/** The schema to declare in a main config that we create (spec 02 §1). */
export const newestSchema = (version: ContainerdVersion): ConfigSchema => (version.major >= 2 ? 3 : 2)

/**
 * The schema that a text's first number speaks for, where nothing more than that is known of the daemon: `containerd://2`
 * is enough to tell schema 3 from schema 2.
 */
export const schemaOfRelease = (text: string): ConfigSchema | undefined => {
  const match = /^\s*(?:containerd:\/\/)?v?(\d{1,9})(?:\.|\s*$)/.exec(text)
  return match === null ? undefined : newestSchema({ major: Number(match[1]), minor: 0 })
}

/** Whether a handler may name a snapshotter of its own; 1.6 and older ignore it. Unknown is not refused here. */
export const takesSnapshotterPerHandler = (version: ContainerdVersion | undefined): boolean =>
  version === undefined || atLeast(version, 1, 7)

/** Whether erofs is set up for the daemon; 2.1 has the snapshotter already, but upstream asks for 2.2. */
export const hasErofs = (version: ContainerdVersion): boolean => atLeast(version, 2, 2)

/** Whether its erofs snapshotter knows dm-verity; 2.2 ignores the keys, and nothing is protected (measured on 2.2.9). */
export const hasErofsDmverity = (version: ContainerdVersion): boolean => atLeast(version, 2, 3)

/** How a version is written in messages. */
export const format = (version: ContainerdVersion): string => `${version.major}.${version.minor}`
