/**
 * Answers: which of several installs on a node is this, and what is its own? An instance is named by the
 * multi-install suffix, or `default`. Source: spec 01 §6, decisions §5.
 */
import * as HostPath from "./HostPath.ts"

/** One installation on a node. */
export interface Instance {
  /** The multi-install suffix, or `undefined` for the default instance. */
  readonly suffix: string | undefined
  /** Where the artifacts of this instance live on the host; called `D` in the specification. */
  readonly installDir: HostPath.HostPath
}

/** The install directory that an instance without prefix and suffix has. */
export const defaultInstallDir = HostPath.make("/opt/kata")

/** The instance of an installation prefix (absolute or `undefined`) and a suffix. */
export const make = (options: {
  readonly prefix: string | undefined
  readonly suffix: string | undefined
}): Instance => ({
  suffix: options.suffix,
  installDir: HostPath.make(
    `${options.prefix ?? ""}/opt/kata${options.suffix === undefined ? "" : `-${options.suffix}`}`,
  ),
})

/** What people call the instance: its suffix, or `default`. */
export const name = (instance: Instance): string => instance.suffix ?? "default"

/** `base` with the suffix behind a dash, for names in places that instances share. */
export const suffixed = (instance: Instance, base: string): string =>
  instance.suffix === undefined ? base : `${base}-${instance.suffix}`

/** Default place of ledger, journal, pristine configurations and staging (decisions §4). */
export const defaultStateDir = (instance: Instance): HostPath.HostPath =>
  HostPath.join(instance.installDir, ".kata-deploy")
