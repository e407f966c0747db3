/**
 * Answers: how does systemd run nydus? Bound to the unit of the CRI runtime, so that it is up before, and without
 * taking it down when it fails. Source: spec 07 §2.
 */
import * as HostPath from "../model/HostPath.ts"
import { type Instance, name } from "../model/Instance.ts"
import { modes, type NydusMode, paths } from "./NydusMode.ts"

/** A path as one word of `ExecStart`: systemd splits at blanks and expands `%` and `$`. */
const word = (path: string): string => {
  const text = path.replace(/%/g, "%%").replace(/\$/g, "$$$$")
  return /[\s"'\\;]/.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : text
}

/** What each unit calls itself. */
const description: Readonly<Record<NydusMode, string>> = {
  "guest-pull": "nydus snapshotter of kata-deploy",
  "host-share": "nydus snapshotter of kata-deploy, host sharing",
}

/** Text of the unit; `criUnit` is the unit of the CRI runtime, e.g. `k3s.service`. */
export const text = (mode: NydusMode, instance: Instance, criUnit: string): string => {
  const at = paths(mode, instance)
  const program = HostPath.join(at.directory, modes[mode].programs[0]!)
  return [
    "[Unit]",
    `Description=${description[mode]} (${name(instance)})`,
    "After=network.target local-fs.target",
    `Before=${criUnit}`,
    "",
    "[Service]",
    `ExecStart=${word(program)} --config ${word(at.config)} --log-to-stdout`,
    "Restart=always",
    "RestartSec=5",
    "",
    "[Install]",
    `WantedBy=${criUnit}`,
    "",
  ].join("\n")
}
