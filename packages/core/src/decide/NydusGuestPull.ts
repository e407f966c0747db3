/**
 * Answers: how is nydus configured so that guests pull their images themselves? Source: spec 07 §2; facts nydus §10.
 */
import * as HostPath from "../model/HostPath.ts"
import type { Instance } from "../model/Instance.ts"
import * as TomlPrinter from "../toml/TomlPrinter.ts"
import { modes, paths } from "./NydusMode.ts"

/** Text of `config-guest-pulling.toml`. */
export const configText = (instance: Instance): string => {
  const at = paths("guest-pull", instance)
  return TomlPrinter.print([`Written by kata-deploy: ${modes["guest-pull"].says}.`], {
    version: 1,
    root: at.data,
    address: at.socket,
    daemon: { fs_driver: "proxy" },
    snapshot: {
      enable_kata_volume: true,
      nydus_overlayfs_path: HostPath.join(at.directory, "nydus-overlayfs"),
    },
  })
}
