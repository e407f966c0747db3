/**
 * Answers: what makes nydus' guest pull work on a node? Its unit, its configuration, what is installed and removed in
 * which order, and what containerd has to be told. The data directory is never touched: containerd keeps records of
 * what is in it, and both have to agree. Source: spec 07 §1–§3; facts containerd §8; 12 W-17.
 */
import { Result } from "effect"
import type { Problem } from "../input/Problem.ts"
import * as ContainerdVersion from "../model/ContainerdVersion.ts"
import * as HostPath from "../model/HostPath.ts"
import type { Instance } from "../model/Instance.ts"
import type { UnitVerb } from "../ports/HostShell.ts"
import type { PrintTable } from "../toml/TomlPrinter.ts"
import * as TomlPrinter from "../toml/TomlPrinter.ts"
import { snapshotterName } from "./DropInRendering.ts"
import { annotationsTable, below } from "./SnapshotterTables.ts"

/** Directory of the programs, below the install directory and in the artifact directory's `nydus-snapshotter`. */
const directoryName = "nydus-for-kata-tee"

/** Programs that are copied from the image, with the permissions that they have there. */
export const programs = ["containerd-nydus-grpc", "nydus-overlayfs"] as const

/** Where everything of an instance's nydus is. */
export interface NydusPaths {
  /** Name of the proxy plugin, of the snapshotter in handlers, and base of the other names. */
  readonly name: string
  /** The systemd unit. */
  readonly unit: string
  readonly unitFile: HostPath.HostPath
  /** Directory of the programs and of the configuration. */
  readonly directory: HostPath.HostPath
  readonly config: HostPath.HostPath
  readonly socket: HostPath.HostPath
  /** Snapshots; kept by reinstall and uninstall. */
  readonly data: HostPath.HostPath
}

/** The places and names of an instance. */
export const paths = (instance: Instance): NydusPaths => {
  const name = snapshotterName("nydus", instance)
  const directory = HostPath.join(instance.installDir, directoryName)
  return {
    name,
    unit: `${name}.service`,
    unitFile: HostPath.make(`/etc/systemd/system/${name}.service`),
    directory,
    config: HostPath.join(directory, "config-guest-pulling.toml"),
    socket: HostPath.make(`/run/${name}/containerd-nydus-grpc.sock`),
    data: HostPath.make(`/var/lib/${name}`),
  }
}

/** Text of `config-guest-pulling.toml`. */
export const configText = (instance: Instance): string => {
  const at = paths(instance)
  return TomlPrinter.print(["Written by kata-deploy: images are pulled inside the guest."], {
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

/** A path as one word of `ExecStart`: systemd splits at blanks and expands `%` and `$`. */
const word = (path: string): string => {
  const text = path.replace(/%/g, "%%").replace(/\$/g, "$$$$")
  return /[\s"'\\;]/.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : text
}

/** Text of the unit, bound to the unit of the CRI runtime so that it is up before. */
export const unitText = (instance: Instance, criUnit: string): string => {
  const at = paths(instance)
  const program = HostPath.join(at.directory, "containerd-nydus-grpc")
  return [
    "[Unit]",
    `Description=nydus snapshotter of kata-deploy (${instance.suffix ?? "default"})`,
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

/** One thing to do to the host, as data. */
export type NydusStep =
  | {
      readonly _tag: "Unit"
      readonly verb: UnitVerb
      readonly unit: string
      /** `ignore`: a unit that is not there is as good as one that is stopped. */
      readonly onFailure: "ignore" | "report"
    }
  | { readonly _tag: "Write"; readonly path: HostPath.HostPath; readonly text: string }
  /** Copies a program out of the artifact directory's `nydus-snapshotter`. */
  | { readonly _tag: "CopyProgram"; readonly program: string; readonly path: HostPath.HostPath }
  | { readonly _tag: "Remove"; readonly path: HostPath.HostPath; readonly what: "file" | "tree" }

const unitStep = (verb: UnitVerb, unit: string, onFailure: "ignore" | "report" = "report"): NydusStep => ({
  _tag: "Unit",
  verb,
  unit,
  onFailure,
})

/** How what is installed compares with what should be. */
export type NydusPresence = "absent" | "differs" | "as-wanted"

/**
 * What installs or renews nydus. Nothing is done when nothing differs: stopping it would make pulls fail. Where it
 * differs, it is disabled first, which removes the link to a CRI unit that an older release named differently.
 */
export const install = (
  instance: Instance,
  criUnit: string,
  presence: NydusPresence,
): ReadonlyArray<NydusStep> => {
  if (presence === "as-wanted") return []
  const at = paths(instance)
  return [
    ...(presence === "absent"
      ? []
      : [unitStep("stop", at.unit, "ignore"), unitStep("disable", at.unit, "ignore")]),
    ...programs.map((program): NydusStep => ({
      _tag: "CopyProgram",
      program,
      path: HostPath.join(at.directory, program),
    })),
    { _tag: "Write", path: at.config, text: configText(instance) },
    { _tag: "Write", path: at.unitFile, text: unitText(instance, criUnit) },
    unitStep("reload", at.unit),
    unitStep("enable", at.unit),
  ]
}

/** What makes an installed nydus run what is on disk; to be done right behind `install` (spec 12 W-17). */
export const activate = (instance: Instance): ReadonlyArray<NydusStep> => [
  unitStep("restart", paths(instance).unit),
]

/** What takes nydus away; can be repeated. The data directory stays. */
export const uninstall = (instance: Instance, unitFile: "present" | "absent"): ReadonlyArray<NydusStep> => {
  const at = paths(instance)
  return [
    ...(unitFile === "absent"
      ? []
      : [
          unitStep("stop", at.unit),
          unitStep("disable", at.unit),
          { _tag: "Remove", path: at.unitFile, what: "file" } as const,
        ]),
    { _tag: "Remove", path: at.directory, what: "tree" },
    unitStep("reload", at.unit),
  ]
}

/**
 * How the snapshotter comes to know which image a layer belongs to. From containerd 2.1 on the plugin asks for it by
 * itself; the switch for the whole node would take every other pull off the transfer service (facts containerd §8).
 */
export const annotationsBy = (
  version: ContainerdVersion.ContainerdVersion | undefined,
): "plugin-export" | "node-wide-switch" =>
  version !== undefined && ContainerdVersion.atLeast(version, 2, 1) ? "plugin-export" : "node-wide-switch"

/** What containerd has to be told, in the tables of the schema that its main config declares. */
export const containerdTables = (input: {
  readonly instance: Instance
  readonly schema: ContainerdVersion.ConfigSchema
  readonly version: ContainerdVersion.ContainerdVersion | undefined
}): Result.Result<PrintTable, Problem> => {
  const at = paths(input.instance)
  const by = annotationsBy(input.version)
  const plugin = {
    type: "snapshot",
    address: at.socket,
    exports: {
      root: at.data,
      // A string: containerd takes exports as texts and compares this one with "true".
      ...(by === "plugin-export" ? { enable_remote_snapshot_annotations: "true" } : {}),
    },
  }
  return Result.map(annotationsTable(input.schema), (table) => ({
    ...(by === "plugin-export" ? {} : below(table, { disable_snapshot_annotations: false })),
    proxy_plugins: { [at.name]: plugin },
  }))
}
