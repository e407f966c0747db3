/**
 * Answers: how is nydus configured so that the host pulls images and shares them with guests as block devices, and
 * what do guests need for it? Source: facts nydus §8, §10; docs/decisions/0006.
 */
import type { Notice } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as HostPath from "../model/HostPath.ts"
import type { Instance } from "../model/Instance.ts"
import * as TomlPrinter from "../toml/TomlPrinter.ts"
import { modes, paths } from "./NydusMode.ts"

/** How the operator wants it. */
export type HostShareSettings = Settings["nydusHs"]

/** What the disks are made of, in the words of nydus-snapshotter. */
export type ExportMode = HostShareSettings["exportMode"]

/** Whether disks come with a hash tree that the guest checks them against. */
export const hasVerity = (mode: ExportMode): boolean => mode.endsWith("_with_verity")

/** Text of `config-host-sharing.toml`. */
export const configText = (instance: Instance, { exportMode }: HostShareSettings): string => {
  const at = paths("host-share", instance)
  return TomlPrinter.print([`Written by kata-deploy: ${modes["host-share"].says}.`], {
    version: 1,
    root: at.data,
    address: at.socket,
    // Nothing is served on demand, so no nydusd is needed.
    daemon_mode: "none",
    // Its socket has one default for every nydus-snapshotter of a node.
    system: { enable: false },
    daemon: {
      fs_driver: "blockdev",
      nydusimage_path: HostPath.join(at.directory, "nydus-image"),
    },
    snapshot: {
      enable_kata_volume: true,
      nydus_overlayfs_path: HostPath.join(at.directory, "nydus-overlayfs"),
    },
    experimental: {
      tarfs: {
        enable_tarfs: true,
        // Guests mount the disks; the host has no use for them.
        mount_tarfs_on_host: false,
        export_mode: exportMode,
      },
    },
  })
}

/** Said in any case: a guest's image cannot be looked into from here. */
export const guestNotice = ({ exportMode }: HostShareSettings): Notice => {
  const verity = hasVerity(exportMode)
  return {
    code: "nydus-hs-guest",
    severity: "warning",
    message: `Guests that use nydus-hs need udev in their image and a kernel of 6.4 or newer with EROFS${verity ? ", device-mapper and dm-verity" : ""}; neither can be seen from here, and without them their containers do not start.`,
    remedy: "Use a guest image and a guest kernel that have them with every shim that is mapped to nydus-hs.",
  }
}

/**
 * Said in any case: whether a registry can be reached that way is seen with the first pull. nydus-snapshotter fetches
 * layers itself, and waits for ever where that fails (`pkg/tarfs` at v0.15.15; docs/decisions/0022).
 */
export const registryNotice: Notice = {
  code: "nydus-hs-registry",
  severity: "warning",
  message:
    "nydus-hs fetches the layers of images by itself, over TLS. Mirrors, certificates and credentials that the CRI runtime is configured with do not count there, and a pull whose layers it cannot fetch hangs without an error.",
  remedy:
    "Map a shim to nydus-hs only where the node reaches the registries of its images directly and trusts their certificates.",
}
