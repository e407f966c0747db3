/**
 * Answers: which drop-ins lie beside a Kata configuration? Their number prefixes are the contract
 * (10 < 20 < 22 < 25 < 30 < 50), each overrides the one before. Source: spec 06 §4; 12 W-01.
 */
import type * as Handler from "../model/Handler.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import * as Instance from "../model/Instance.ts"
import * as Shim from "../model/Shim.ts"
import { perShimValue } from "../input/SettingsGrammar.ts"
import * as Toml from "../toml/Toml.ts"
import type { PrintTable, Value } from "../toml/TomlPrinter.ts"
import * as TomlPrinter from "../toml/TomlPrinter.ts"
import * as Desired from "./Desired.ts"
import type { BaseConfig, KataInput } from "./KataConfig.ts"

/** The configuration that the drop-ins are for. */
export interface DropInTarget {
  readonly shim: string
  readonly row: Shim.ShimRow
  readonly base: BaseConfig
  /** The `config.d` directory. */
  readonly directory: HostPath.HostPath
  readonly kind: Handler.Handler["kind"]
  /** The operator's own drop-in text. */
  readonly userDropIn: string | undefined
}

const file = (target: DropInTarget, name: string, because: string, table: PrintTable): Desired.Desired =>
  Desired.make(
    HostPath.join(target.directory, name),
    FileState.file(TomlPrinter.print([`Written by kata-deploy: ${because}.`], table)),
    because,
  )

/** Every drop-in that the settings ask for; what is not asked for is not listed, and goes when it was ours. */
export const dropIns = (input: KataInput, target: DropInTarget): ReadonlyArray<Desired.Desired> => [
  ...installationPrefix(input, target),
  ...guestDebug(target),
  ...k0sKubelet(input, target),
  ...devkit(input, target),
  ...kernelParams(input, target),
  ...(target.userDropIn === undefined
    ? []
    : [
        Desired.make(
          HostPath.join(
            target.directory,
            target.kind === "shim" ? "50-user-overrides.toml" : "50-overrides.toml",
          ),
          FileState.file(target.userDropIn),
          "the operator supplies it",
        ),
      ]),
]

const isVariant = (kind: Handler.Handler["kind"]): boolean => kind === "debug" || kind === "devkit"

/** `text` moved from the default install directory to ours, or `undefined` when it does not lie there. */
const moved = (text: string, installDir: HostPath.HostPath): string | undefined =>
  text.startsWith(`${Instance.defaultInstallDir}/`)
    ? `${installDir}${text.slice(Instance.defaultInstallDir.length)}`
    : undefined

/** The part of a parsed value that names paths of the default install directory, moved; `undefined` if none. */
const movedValue = (value: unknown, installDir: HostPath.HostPath): Value | undefined => {
  if (typeof value === "string") return moved(value, installDir)
  if (Array.isArray(value)) {
    // Arrays are replaced as a whole by the merge, so unmoved members have to be repeated (spec 06 §1).
    const items = value.map((item: unknown) =>
      Toml.isTable(item) ? movedWhole(item, installDir) : (movedValue(item, installDir) ?? item),
    )
    const changed = value.some((item: unknown) => movedValue(item, installDir) !== undefined)
    return changed ? (items as ReadonlyArray<Value>) : undefined
  }
  if (!Toml.isTable(value)) return undefined
  const entries = Object.entries(value).flatMap(([name, inner]): ReadonlyArray<[string, Value]> => {
    const after = movedValue(inner, installDir)
    return after === undefined ? [] : [[name, after]]
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

const movedWhole = (table: Toml.Table, installDir: HostPath.HostPath): PrintTable =>
  Object.fromEntries(Object.entries(table).map(([k, v]) => [k, movedValue(v, installDir) ?? (v as Value)]))

/** Path of the script that starts QEMU with the data directory of a moved install. */
const wrapperOf = (qemu: HostPath.HostPath): HostPath.HostPath => HostPath.make(`${qemu}-installation-prefix`)

/** A path as one word of a shell script. */
const word = (path: string): string =>
  /^[\w/.+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`

const oneLine = (text: string): string => text.replace(/\s+/g, " ")

/**
 * Every path of the base configuration that lies below the default install directory, moved to ours. Nothing that
 * the base leaves out is added, so image and initrd never come together (W-01).
 */
const installationPrefix = (input: KataInput, target: DropInTarget): ReadonlyArray<Desired.Desired> => {
  const { architecture, instance } = input.settings
  const { installDir } = instance
  if (installDir === Instance.defaultInstallDir) return []
  const because = `the artifacts are in ${installDir}`
  const table = movedValue(target.base.table, installDir) as PrintTable | undefined
  if (table === undefined) return []
  const qemu = Shim.qemuBinary(installDir, target.row, architecture)
  const path = Toml.at(target.base.table, "hypervisor", target.row.hypervisor, "path")
  if (qemu === undefined || typeof path !== "string" || moved(path, installDir) === undefined) {
    return [file(target, "10-installation-prefix.toml", because, table)]
  }
  const wrapper = wrapperOf(qemu)
  const hypervisors = table["hypervisor"] as PrintTable
  const own = hypervisors[target.row.hypervisor] as PrintTable
  const data = HostPath.join(installDir, `share/kata-${target.row.qemuArtifact}/qemu`)
  return [
    file(target, "10-installation-prefix.toml", because, {
      ...table,
      hypervisor: { ...hypervisors, [target.row.hypervisor]: { ...own, path: wrapper } },
    }),
    Desired.make(
      wrapper,
      FileState.file(
        `#!/usr/bin/env bash\n# Written by kata-deploy: ${oneLine(because)}.\nexec ${word(qemu)} "$@" -L ${word(`${data}/`)}\n`,
        0o755,
      ),
      because,
    ),
  ]
}

const guestDebug = (target: DropInTarget): ReadonlyArray<Desired.Desired> =>
  isVariant(target.kind)
    ? [
        file(target, "20-debug.toml", "this is a variant for guest debugging", {
          hypervisor: { [target.row.hypervisor]: { enable_debug: true } },
          runtime: { enable_debug: true },
          agent: { kata: { debug_console_enabled: true, enable_debug: true } },
        }),
      ]
    : []

const k0sKubelet = (input: KataInput, target: DropInTarget): ReadonlyArray<Desired.Desired> =>
  input.kubeletRoot === "k0s" && target.row.runtime === "go"
    ? [
        file(target, "22-k0s-kubelet-root.toml", "k0s keeps kubelet's directory elsewhere", {
          runtime: { kubelet_root_dir: "/var/lib/k0s/kubelet" },
        }),
      ]
    : []

const devkit = (input: KataInput, target: DropInTarget): ReadonlyArray<Desired.Desired> => {
  if (target.kind !== "devkit") return []
  const { installDir } = input.settings.instance
  const images = Toml.at(target.base.table, "hypervisor", target.row.hypervisor, "guest_extension_images")
  const kept = (Array.isArray(images) ? images : []).flatMap((image: unknown): ReadonlyArray<PrintTable> => {
    if (!Toml.isTable(image)) return []
    const { name, path, verity_params: verity } = image
    if (typeof name !== "string" || typeof path !== "string" || name === "devkit") return []
    return [
      {
        name,
        path: moved(path, installDir) ?? path,
        ...(typeof verity === "string" ? { verity_params: verity } : {}),
      },
    ]
  })
  const own: PrintTable = {
    name: "devkit",
    path: HostPath.join(installDir, "share/kata-containers/kata-containers-devkit-extension.img"),
    ...(input.devkitVerity === undefined ? {} : { verity_params: input.devkitVerity }),
  }
  return [
    file(target, "25-devkit.toml", "this is a variant with the developer image", {
      agent: { kata: { debug_console_enabled: true } },
      hypervisor: { [target.row.hypervisor]: { guest_extension_images: [...kept, own] } },
    }),
  ]
}

/** One file for all parameters, since the key is replaced and not appended to (spec 06 §4.5). */
const kernelParams = (input: KataInput, target: DropInTarget): ReadonlyArray<Desired.Desired> => {
  const { httpsProxy, noProxy } = input.settings
  const named = (name: string, value: string | undefined) => (value === undefined ? [] : [`${name}=${value}`])
  const extra = [
    ...named("agent.https_proxy", perShimValue(httpsProxy, target.shim)),
    ...named("agent.no_proxy", perShimValue(noProxy, target.shim)),
    ...(isVariant(target.kind) ? ["agent.log=debug", "initcall_debug"] : []),
  ]
  if (extra.length === 0) return []
  const base = Toml.at(target.base.table, "hypervisor", target.row.hypervisor, "kernel_params")
  const before = typeof base === "string" && base !== "" ? [base] : []
  return [
    file(target, "30-kernel-params.toml", "the guest kernel gets further parameters", {
      hypervisor: { [target.row.hypervisor]: { kernel_params: [...before, ...extra].join(" ") } },
    }),
  ]
}
