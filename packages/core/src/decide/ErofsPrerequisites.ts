/**
 * Answers: does this host have what the EROFS snapshotter needs? Kernel features by four witnesses, and the options
 * of `mkfs.erofs` by the bytes of a program that cannot be run here. Source: spec 09 §5; 12 W-24.
 */
import * as HostPath from "../model/HostPath.ts"

/** Kernel features that are looked for, with the module and the build option that stand for each. */
export const kernelFeatures = {
  erofs: { module: "erofs", symbol: "CONFIG_EROFS_FS" },
  "device-mapper": { module: "dm_mod", symbol: "CONFIG_BLK_DEV_DM" },
  "dm-verity": { module: "dm_verity", symbol: "CONFIG_DM_VERITY" },
  "fs-verity": { module: "fsverity", symbol: "CONFIG_FS_VERITY" },
} as const

/** One of the kernel features. */
export type KernelFeature = keyof typeof kernelFeatures

/** What could be read of the kernel; `undefined` where something could not. */
export interface KernelWitnesses {
  /** Names of the directories in `/sys/module`. */
  readonly sysModules: ReadonlyArray<string> | undefined
  /** Text of `/proc/modules`. */
  readonly procModules: string | undefined
  /** Unpacked text of `/proc/config.gz`. */
  readonly procConfig: string | undefined
  /** Text of `/boot/config-<release>`. */
  readonly bootConfig: string | undefined
}

/** Path of the build options of the running kernel; `osrelease` is the text of `/proc/sys/kernel/osrelease`. */
export const bootConfigPath = (osrelease: string): string => `/boot/config-${osrelease.trim()}`

const hasLine = (text: string | undefined, line: string): boolean =>
  text !== undefined && text.split("\n").some((candidate) => candidate.trimEnd() === line)

/**
 * Whether the running kernel has a feature. `loadable` is a module that is not loaded: it does not count as there,
 * because nothing here may load it. `unknown` when nothing could be read.
 */
export const kernelFeature = (
  feature: KernelFeature,
  seen: KernelWitnesses,
): "present" | "loadable" | "absent" | "unknown" => {
  const { module, symbol } = kernelFeatures[feature]
  const loaded =
    (seen.sysModules?.includes(module) ?? false) ||
    (seen.procModules?.split("\n").some((line) => line.trim().split(/\s+/)[0] === module) ?? false)
  const configs = [seen.procConfig, seen.bootConfig]
  if (loaded || configs.some((text) => hasLine(text, `${symbol}=y`))) return "present"
  if (configs.some((text) => hasLine(text, `${symbol}=m`))) return "loadable"
  return [seen.sysModules, seen.procModules, ...configs].every((witness) => witness === undefined)
    ? "unknown"
    : "absent"
}

/** Options that `mkfs.erofs` has to know, without dashes. */
export const requiredMkfsOptions: ReadonlyArray<string> = ["mkfs-time", "sort"]

/** Host directories in which `mkfs.erofs` is looked for, in this order. */
export const mkfsDirectories: ReadonlyArray<HostPath.HostPath> = [
  "/usr/bin",
  "/usr/sbin",
  "/usr/local/bin",
  "/usr/local/sbin",
  "/bin",
  "/sbin",
].map(HostPath.make)

const isPrintable = (byte: number): boolean => byte >= 0x21 && byte <= 0x7e

/**
 * Whether a program's bytes hold a word as a whole C string: a NUL behind it, and in front of it the start of the
 * file or a byte that is no printable ASCII (`qsort` and `--sort` are other strings).
 */
export const hasOption = (bytes: Uint8Array, option: string): boolean => {
  const needle = Uint8Array.from([...option, "\0"], (char) => char.charCodeAt(0))
  for (let at = bytes.indexOf(needle[0]!); at !== -1; at = bytes.indexOf(needle[0]!, at + 1)) {
    if (at > 0 && isPrintable(bytes[at - 1]!)) continue
    let same = 1
    while (same < needle.length && bytes[at + same] === needle[same]) same += 1
    if (same === needle.length) return true
  }
  return false
}

/** The required options that a `mkfs.erofs` does not know. */
export const missingMkfsOptions = (bytes: Uint8Array): ReadonlyArray<string> =>
  requiredMkfsOptions.filter((option) => !hasOption(bytes, option))
