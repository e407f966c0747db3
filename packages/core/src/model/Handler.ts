/**
 * Answers: which runtime handlers does an instance offer, and what stands behind each?
 * Source: spec 01 §6 (names), §7 (variants, custom runtimes), 03 §6.
 */
import * as HostPath from "./HostPath.ts"
import type { Instance } from "./Instance.ts"
import * as Shim from "./Shim.ts"

/** One runtime handler of this instance. */
export interface Handler {
  /** The name under which the CRI runtime offers it, e.g. `kata-qemu`. */
  readonly name: string
  /** The enabled shim, or the base of a custom runtime or variant. */
  readonly shim: string
  /** How the handler came about: an enabled shim, a derived variant, or the operator's own definition. */
  readonly kind: "shim" | "debug" | "devkit" | "custom"
  /** The snapshotter that its pods use, in the settings' words (`nydus`, `erofs`, `overlayfs`), if one is mapped. */
  readonly snapshotter: string | undefined
  /** The image pull type (`guest-pull`), if one is mapped. */
  readonly pullType: string | undefined
}

/** Name of an enabled shim's handler. */
export const nameOf = (shim: string, instance: Instance): string =>
  instance.suffix === undefined ? `kata-${shim}` : `kata-${shim}-${instance.suffix}`

/** Name of a variant's handler: the suffix comes before the variant. */
export const variantName = (shim: string, variant: "debug" | "devkit", instance: Instance): string =>
  `${nameOf(shim, instance)}-${variant}`

/** Directory with the Kata configuration of a custom runtime or variant; never has a `runtime-rs` level (spec 06 §2). */
export const customDir = (installDir: HostPath.HostPath, handler: string): HostPath.HostPath =>
  HostPath.join(installDir, "share/defaults/kata-containers/custom-runtimes", handler)

/** The Kata configuration that `ConfigPath` names for this handler. Source: spec 03 §6. */
export const configPath = (
  handler: Handler,
  row: Shim.ShimRow,
  installDir: HostPath.HostPath,
): HostPath.HostPath =>
  handler.kind === "shim"
    ? Shim.runtimeConfig(installDir, handler.shim, row)
    : HostPath.join(customDir(installDir, handler.name), Shim.configFileName(handler.shim))
