/**
 * Answers: for which processor architecture is this node set up, and which environment variables speak of it?
 * Source: spec 01 §4 "Architecture".
 */

/** Architectures that have variables and default shims of their own. */
export const known = ["x86_64", "aarch64", "s390x", "ppc64le"] as const

/** One of the architectures with default shims. */
export type KnownArchitecture = (typeof known)[number]

/** Any architecture name in the notation of `uname -m`; others than the known ones fall back to `qemu`. */
export type Architecture = KnownArchitecture | (string & {})

/** Whether `name` has variables and default shims of its own. */
export const isKnown = (name: string): name is KnownArchitecture =>
  (known as ReadonlyArray<string>).includes(name)

/** Node.js names (`x64`, `arm64`, `ppc64`, …) in the notation of this program. */
export const fromNodeName = (name: string): Architecture => nodeNames.get(name) ?? name

const nodeNames: ReadonlyMap<string, KnownArchitecture> = new Map([
  ["x64", "x86_64"],
  ["arm64", "aarch64"],
  ["ppc64", "ppc64le"],
])

/** The suffix of this architecture's environment variables (`X86_64`), or `undefined` where there are none. */
export const variableSuffix = (architecture: Architecture): string | undefined =>
  isKnown(architecture) ? architecture.toUpperCase() : undefined

/** The target part of QEMU's binary name: `ppc64` for `ppc64le`, else the architecture. */
export const qemuTarget = (architecture: Architecture): string =>
  architecture === "ppc64le" ? "ppc64" : architecture
