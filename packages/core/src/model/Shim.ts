/**
 * Answers: what is this shim made of? A shim is the key of a hypervisor flavour (`qemu`, `clh`, `qemu-snp`);
 * containerd starts its binary once per pod. Source: spec 01 §7.
 */
import * as Architecture from "./Architecture.ts"
import * as HostPath from "./HostPath.ts"
import { type ShimRow, shims } from "./ShimTable.ts"

export { defaultShim, defaultShims, shims, type ShimRow } from "./ShimTable.ts"

/** A name beyond the registry that is still a part of a DNS label and of a file name. */
const furtherQemu = /^qemu[a-z0-9]*(?:-+[a-z0-9]+)*$/

/** What is known of a shim name; names starting with `qemu` are accepted beyond the registry (spec 01 §7). */
export const lookup = (shim: string): ShimRow | undefined =>
  Object.hasOwn(shims, shim)
    ? shims[shim]
    : furtherQemu.test(shim)
      ? { runtime: "go", hypervisor: "qemu", qemuArtifact: "qemu" }
      : undefined

/** Every name of the registry, sorted; for messages. */
export const names: ReadonlyArray<string> = Object.keys(shims).sort()

/** The directories of both of Kata's runtimes below the install directory, by what they are written in. */
const programDirs: Readonly<Record<ShimRow["runtime"], string>> = { go: "bin", rust: "runtime-rs/bin" }

const programIn = (installDir: HostPath.HostPath, runtime: ShimRow["runtime"]): HostPath.HostPath =>
  HostPath.join(installDir, programDirs[runtime], "containerd-shim-kata-v2")

/** The program that containerd starts for `shim`, below the install directory. Source: spec 03 §6. */
export const binary = (installDir: HostPath.HostPath, row: ShimRow): HostPath.HostPath =>
  programIn(installDir, row.runtime)

/** Both programs that a CRI runtime may start, below the install directory. */
export const programs = (installDir: HostPath.HostPath): ReadonlyArray<HostPath.HostPath> => [
  programIn(installDir, "go"),
  programIn(installDir, "rust"),
]

/** The directory that holds the Kata configurations of one runtime. Source: spec 06 §2. */
export const configDir = (installDir: HostPath.HostPath, row: ShimRow): HostPath.HostPath =>
  HostPath.join(
    installDir,
    "share/defaults/kata-containers",
    ...(row.runtime === "rust" ? ["runtime-rs"] : []),
  )

/** File name of a shim's Kata configuration. */
export const configFileName = (shim: string): string => `configuration-${shim}.toml`

/** The configuration as the archives deliver it; after an install a link to `runtimeConfig`. */
export const originalConfig = (
  installDir: HostPath.HostPath,
  shim: string,
  row: ShimRow,
): HostPath.HostPath => HostPath.join(configDir(installDir, row), configFileName(shim))

/** The directory of the copy that the shim really reads, and of its `config.d`. */
export const runtimeDir = (installDir: HostPath.HostPath, shim: string, row: ShimRow): HostPath.HostPath =>
  HostPath.join(configDir(installDir, row), "runtimes", shim)

/** The copy of the configuration that the shim really reads. */
export const runtimeConfig = (installDir: HostPath.HostPath, shim: string, row: ShimRow): HostPath.HostPath =>
  HostPath.join(runtimeDir(installDir, shim, row), configFileName(shim))

/** QEMU's binary for a shim, or `undefined` for other hypervisors. Source: spec 01 §7. */
export const qemuBinary = (
  installDir: HostPath.HostPath,
  row: ShimRow,
  architecture: Architecture.Architecture,
): HostPath.HostPath | undefined =>
  row.qemuArtifact === null
    ? undefined
    : HostPath.join(
        installDir,
        "bin",
        `qemu-system-${Architecture.qemuTarget(architecture)}${row.qemuArtifact.slice("qemu".length)}`,
      )
