/**
 * THE table of settings. Flags, environment variables, the settings file, its JSON schema and the documentation are
 * all made from these rows. Source: spec 01 §4, decisions §6, cli.md.
 */

/** The grammar of a setting's text; `input/SettingsGrammar.ts` reads them. */
export type SettingKind =
  | { readonly kind: "text" }
  | { readonly kind: "boolean"; readonly alsoTrue?: string }
  | { readonly kind: "choice"; readonly choices: ReadonlyArray<string> }
  /** Words split at `separator`: white space, commas, or both. */
  | { readonly kind: "list"; readonly separator: "space" | "comma" | "either" }
  /** `key:value` items split at commas. */
  | { readonly kind: "mapping" }
  /** One value for all, or `shim=value;shim=value`. */
  | { readonly kind: "per-shim" }
  | { readonly kind: "port" }
  /** An absolute host path. */
  | { readonly kind: "host-path" }

/** One setting, as flags, variables, the settings file and the documentation know it. */
export interface SettingRow {
  /** Environment variable, without the architecture suffix where `perArchitecture` holds. */
  readonly variable: string
  /** Whether there is one variable for each architecture, and only this node's is read. */
  readonly perArchitecture: boolean
  /** Grammar of the value. */
  readonly value: SettingKind
  /** What applies when it is not set, for people. */
  readonly fallback: string
  /** What it does, one or two sentences. */
  readonly description: string
}

const one = (variable: string, value: SettingKind, fallback: string, description: string): SettingRow => ({
  variable,
  perArchitecture: false,
  value,
  fallback,
  description,
})

const each = (variable: string, value: SettingKind, fallback: string, description: string): SettingRow => ({
  ...one(variable, value, fallback, description),
  perArchitecture: true,
})

const text = { kind: "text" } as const
const boolean = { kind: "boolean" } as const

/** What nydus-hs may share with guests, in the words of nydus-snapshotter (facts nydus §8). */
export const exportModes = [
  "layer_block",
  "image_block",
  "layer_block_with_verity",
  "image_block_with_verity",
] as const

/** Every setting, in the order of the documentation. */
export const rows = [
  one(
    "NODE_NAME",
    text,
    "required, unless the API is not used",
    "Name of the Node object that this program runs on.",
  ),
  one(
    "DAEMONSET_NAME",
    text,
    "kata-deploy",
    "Name of our own DaemonSet, to tell an update from an uninstall.",
  ),
  one(
    "DEBUG",
    boolean,
    "false",
    "Adds a debug variant of every handler, debug logs of the CRI runtime, and kata-ctl.",
  ),
  one("DEVKIT", boolean, "false", "Adds a devkit variant of every handler; needs DEBUG."),
  each(
    "SHIMS",
    { kind: "list", separator: "space" },
    "the architecture's default list",
    "Shims to set up. Set but blank means explicitly none.",
  ),
  each(
    "DEFAULT_SHIM",
    text,
    "none",
    "Shim behind the chart's default RuntimeClass; it has to be one of the shims, and decides nothing on the node.",
  ),
  each(
    "ALLOWED_HYPERVISOR_ANNOTATIONS",
    { kind: "list", separator: "space" },
    "none",
    "Hypervisor annotations that pods may use: `annotation` for every shim, or `shim:first,second`.",
  ),
  each(
    "SNAPSHOTTER_HANDLER_MAPPING",
    { kind: "mapping" },
    "none",
    "Snapshotter of each handler: `shim:snapshotter,…`.",
  ),
  each(
    "PULL_TYPE_MAPPING",
    { kind: "mapping" },
    "none",
    "Image pull type of each handler: `shim:guest-pull,…`. Other types mean nothing, which is told.",
  ),
  each(
    "EXPERIMENTAL_FORCE_GUEST_PULL",
    { kind: "list", separator: "comma" },
    "none",
    "Shims whose guests pull the images themselves whatever the snapshotter is.",
  ),
  one(
    "AGENT_HTTPS_PROXY",
    { kind: "per-shim" },
    "none",
    "HTTPS proxy of the guests: one value for all, or `shim=value;…`.",
  ),
  one(
    "AGENT_NO_PROXY",
    { kind: "per-shim" },
    "none",
    "Hosts that guests reach without proxy: one value for all, or `shim=value;…`.",
  ),
  one("INSTALLATION_PREFIX", { kind: "host-path" }, "none", "Directory in front of `opt/kata` on the host."),
  one(
    "MULTI_INSTALL_SUFFIX",
    text,
    "none",
    "Name of this instance when a node carries several; a DNS label.",
  ),
  one(
    "HELM_POST_DELETE_HOOK",
    boolean,
    "false",
    "Set by the chart's uninstall hook; accepted and without effect here.",
  ),
  one(
    "EXPERIMENTAL_SETUP_SNAPSHOTTER",
    { kind: "list", separator: "comma" },
    "none",
    "Snapshotters to set up on the node: `nydus` (guests pull images), `nydus-hs` (the host shares them), `erofs`.",
  ),
  one(
    "NYDUS_HS_EXPORT_MODE",
    { kind: "choice", choices: exportModes },
    "layer_block",
    "What nydus-hs shares with guests: `layer_block` is a disk of each layer, `image_block` one of the whole image; either may end in `_with_verity`.",
  ),
  one(
    "EROFS_MERGE_MODE",
    { kind: "choice", choices: ["merged", "unmerged"] },
    "merged",
    "Whether erofs merges an image's layers into one.",
  ),
  one(
    "EROFS_SNAPSHOTTER_MODE",
    { kind: "choice", choices: ["disk", "memory"] },
    "disk",
    "Where writable erofs layers live.",
  ),
  one(
    "EROFS_DMVERITY",
    { kind: "boolean", alsoTrue: "dmverity" },
    "false",
    "Whether erofs layers are protected by dm-verity.",
  ),
  one(
    "CONTAINERD_CONFIG_FILE_NAME",
    text,
    "config.toml",
    "File name of containerd's main config on a vanilla node; a plain file name.",
  ),
  one(
    "CONTAINERD_CONFIG_DIR",
    { kind: "host-path" },
    "the distribution's directory",
    "Host directory of the CRI runtime's configuration; what /etc/containerd shows inside the pod.",
  ),
  one(
    "CONTAINERD_USER_DROP_IN_SOURCE_FILE",
    text,
    "none",
    "File with the operator's own containerd drop-in, copied next to ours.",
  ),
  one(
    "CUSTOM_RUNTIMES_ENABLED",
    boolean,
    "false",
    "Whether /custom-configs/custom-runtimes.list defines further handlers.",
  ),
  one(
    "STARTUP_TAINTS",
    { kind: "list", separator: "either" },
    "none",
    "Taints that are lifted once the node serves: `key` or `key:effect`.",
  ),
  one(
    "CONTAINER_RUNTIME_VERSION",
    text,
    "what the Node object says",
    "The CRI runtime and its version, e.g. containerd://2.1.5-k3s1; spares asking the API. Refused where the runtime can be asked and is of another generation, or of another minor release for which other files would be written; so is a version of containerd that cannot be read, where files depend on it.",
  ),
  one("K8S_DISTRIBUTION", text, "none", "Declared distribution: k8s, k3s, rke2, k0s or microk8s."),
  one(
    "NODE_MACHINE_ID",
    text,
    "none",
    "Machine id that staged actions insist on, since node names get reused.",
  ),
  one("HEALTH_PORT", { kind: "port" }, "8090", "TCP port of the health server."),
] as const satisfies ReadonlyArray<SettingRow>

/** Variables that upstream knows under an older name as well (spec 12 W-27). */
export const olderNames: Readonly<Record<string, string>> = { KATA_DEPLOY_NODE_MACHINE_ID: "NODE_MACHINE_ID" }

/** camelCase key of a variable in the settings file: `MULTI_INSTALL_SUFFIX` becomes `multiInstallSuffix`. */
export const fileKey = (variable: string): string =>
  variable.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/** kebab-case flag of a variable: `SHIMS_X86_64` becomes `shims-x86-64`. */
export const flagName = (variable: string): string => variable.toLowerCase().replaceAll("_", "-")

/** Every variable name with its row: per-architecture rows once for each known architecture. */
export const variables = (
  architectures: ReadonlyArray<string>,
): ReadonlyArray<{ readonly variable: string; readonly row: SettingRow }> =>
  rows.flatMap((row: SettingRow) =>
    row.perArchitecture
      ? architectures.map((a) => ({ variable: `${row.variable}_${a.toUpperCase()}`, row }))
      : [{ variable: row.variable, row }],
  )
