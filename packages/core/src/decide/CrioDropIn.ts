/**
 * Answers: what do our CRI-O drop-ins say? Source: spec 04; decisions §5 (names), 12 W-19, W-30.
 */
import type { Settings } from "../input/Settings.ts"
import * as FileState from "../model/FileState.ts"
import * as Handler from "../model/Handler.ts"
import * as HostPath from "../model/HostPath.ts"
import { suffixed } from "../model/Instance.ts"
import * as Shim from "../model/Shim.ts"
import type { PrintTable } from "../toml/TomlPrinter.ts"
import * as TomlPrinter from "../toml/TomlPrinter.ts"
import * as Desired from "./Desired.ts"
import { header } from "./DropInRendering.ts"

const directory = HostPath.make("/etc/crio/crio.conf.d")

/** Where the runtime handlers of an instance are written. */
export const dropInPath = (settings: Pick<Settings, "instance">): HostPath.HostPath =>
  HostPath.join(directory, suffixed(settings.instance, "99-kata-deploy"))

/** Where the debug level of an instance is written. */
export const debugPath = (settings: Pick<Settings, "instance">): HostPath.HostPath =>
  HostPath.join(directory, suffixed(settings.instance, "100-debug"))

const handlerTable = (handler: Handler.Handler, settings: Pick<Settings, "instance">): PrintTable => {
  const row = Shim.lookup(handler.shim)!
  const { installDir } = settings.instance
  return {
    runtime_path: Shim.binary(installDir, row),
    runtime_type: "vm",
    runtime_root: "/run/vc",
    runtime_config_path: Handler.configPath(handler, row, installDir),
    privileged_without_host_devices: true,
    ...(handler.pullType === "guest-pull" ? { runtime_pull_image: true } : {}),
  }
}

/** The files of this instance below CRI-O's drop-in directory. */
export const desired = (
  settings: Pick<Settings, "instance" | "handlers" | "debug">,
  release: string,
): ReadonlyArray<Desired.Desired> => {
  const instance = settings.instance.suffix ?? "default"
  return [
    Desired.make(
      dropInPath(settings),
      FileState.file(
        TomlPrinter.print(header("runtime handlers for CRI-O", instance, release), {
          crio: {
            storage_option: ["overlay.skip_mount_home=true"],
            runtime: {
              runtimes: Object.fromEntries(settings.handlers.map((h) => [h.name, handlerTable(h, settings)])),
            },
          },
        }),
      ),
      "CRI-O reads its runtime handlers here",
    ),
    ...(settings.debug
      ? [
          Desired.make(
            debugPath(settings),
            FileState.file(
              TomlPrinter.print(header("debug logs of CRI-O", instance, release), {
                crio: { runtime: { log_level: "debug" } },
              }),
            ),
            "debug is on",
          ),
        ]
      : []),
  ]
}
