/**
 * THE table of flags. Parsing, `--help`, completions and the documentation are made from these rows and from the
 * table of settings.
 */
import { Architecture, Distribution, SettingsTable } from "@kata-deploy/core"

/** What may stand behind a flag. */
export type FlagValue =
  /** Nothing, or `=true` and `=false`. */
  | { readonly kind: "boolean" }
  /** Any text; `placeholder` stands for it in the help. */
  | { readonly kind: "text"; readonly placeholder: string }
  /** One of these words, in any case. */
  | { readonly kind: "choice"; readonly placeholder: string; readonly choices: ReadonlyArray<string> }

/**
 * Where a flag means something: `everywhere`; `node` for actions that look at a node; `setting` for one of the
 * operator's settings, at the same actions; `action` for the actions that list it.
 */
export type FlagScope = "everywhere" | "node" | "setting" | "action"

/** One flag. */
export interface FlagRow {
  /** Name without dashes. */
  readonly name: string
  readonly scope: FlagScope
  readonly value: FlagValue
  /** The environment variable that says the same, if there is one. */
  readonly variable: string | undefined
  /** What applies without it, for people. */
  readonly fallback: string
  /** What it does, one or two sentences. */
  readonly description: string
}

const boolean = { kind: "boolean" } as const
const text = (placeholder: string): FlagValue => ({ kind: "text", placeholder })
const choice = (placeholder: string, choices: ReadonlyArray<string>): FlagValue => ({
  kind: "choice",
  placeholder,
  choices,
})

const flag =
  (scope: FlagScope) =>
  (name: string, value: FlagValue, fallback: string, description: string, variable?: string): FlagRow => ({
    name,
    scope,
    value,
    variable,
    fallback,
    description,
  })

const node = flag("node")
const everywhere = flag("everywhere")
const action = flag("action")

/** Flags about where the host is and what may be asked, in the order of the help. */
export const nodeFlags: ReadonlyArray<FlagRow> = [
  node(
    "host-root",
    text("DIR"),
    "the mounts of the pod",
    "Root of a whole host tree; every host path is taken below it and no write leaves it. For the node itself, outside of a pod, it is /.",
    "KATA_DEPLOY_HOST_ROOT",
  ),
  node(
    "artifacts",
    text("DIR"),
    "/opt/kata-artifacts",
    "Directory with the component archives and shim-components.json.",
    "KATA_DEPLOY_ARTIFACTS",
  ),
  node(
    "kube",
    choice("MODE", ["auto", "in-cluster", "kubeconfig", "none"]),
    "auto",
    "How the API is reached. auto is the service account in a pod, else a kubeconfig; none asks nothing and leaves labels to somebody else.",
    "KATA_DEPLOY_KUBE",
  ),
  node(
    "kubeconfig",
    text("FILE"),
    "as kubectl: KUBECONFIG, else ~/.kube/config",
    "Kubeconfig that names the API server.",
  ),
  node("context", text("NAME"), "the current one", "Context of the kubeconfig."),
  node(
    "systemd",
    choice("MODE", ["auto", "dbus", "nsenter", "none"]),
    "auto",
    "How units are controlled: over D-Bus, or with systemctl through nsenter; none reports restarts as due.",
    "KATA_DEPLOY_SYSTEMD",
  ),
  node(
    "cri-runtime",
    choice("NAME", Distribution.runtimeNames),
    "detected",
    "Names the CRI runtime and skips detection.",
    "KATA_DEPLOY_DETECTED_RUNTIME",
  ),
  node(
    "state-dir",
    text("DIR"),
    ".kata-deploy in the install directory",
    "Host directory for what this program remembers of its installs.",
    "KATA_DEPLOY_STATE_DIR",
  ),
  node(
    "public-key",
    text("FILE"),
    "signatures are not asked for",
    "Ed25519 key that checksums.sha256 of the artifact directory has to be signed with.",
    "KATA_DEPLOY_PUBLIC_KEY",
  ),
  node(
    "lock-timeout",
    text("SECONDS"),
    "300",
    "How long to wait for another install on this node; on expiry its process is named.",
    "KATA_DEPLOY_LOCK_TIMEOUT",
  ),
  node("config", text("FILE"), "none", "Settings file, YAML or JSON; flags and variables win over it."),
]

/** Flags about what is shown and how, in the order of the help. */
export const outputFlags: ReadonlyArray<FlagRow> = [
  everywhere(
    "output",
    choice("FORM", ["text", "json"]),
    "text",
    "Form of the result on standard output; json is one document (see schema).",
  ),
  everywhere(
    "log-level",
    choice("LEVEL", ["error", "warn", "info", "debug", "trace"]),
    "info, or debug with --debug",
    "How much is logged on standard error.",
  ),
  everywhere(
    "log-format",
    choice("FORM", ["text", "json"]),
    "text on a terminal, else json",
    "Form of the log lines.",
  ),
  everywhere(
    "progress",
    choice("HOW", ["auto", "plain", "none"]),
    "auto",
    "Progress of long work on standard error; auto is one line on a terminal, and a record in the log every five seconds elsewhere.",
  ),
  everywhere(
    "no-color",
    boolean,
    "colours on a terminal",
    "No colours. The variable NO_COLOR does the same.",
  ),
  everywhere("help", boolean, "", "Shows this help, or that of the action."),
  everywhere("version", boolean, "", "Shows the version."),
]

/** Flags of single actions. */
export const actionFlags: ReadonlyArray<FlagRow> = [
  action("once", boolean, "false", "End when the node is set up, instead of staying to clean up at the end."),
  action(
    "when-stopped",
    choice("WHAT", ["leave", "cleanup"]),
    "leave",
    "With --once: what follows when SIGTERM ends the install early. cleanup decides on a cleanup, as install without --once does.",
  ),
  action(
    "plan",
    text("FILE"),
    "none",
    "Apply exactly this reviewed plan (of plan --output json), or say what drifted and exit with 4.",
  ),
  action(
    "rollback",
    choice("WHEN", ["when-runtime-is-down", "never"]),
    "when-runtime-is-down",
    "Whether a configuration is taken back with which the CRI runtime does not come up or serves no handler of ours. never keeps it for looking at and exits with 6; the action rollback takes it back afterwards.",
  ),
  action(
    "when-in-use",
    choice("WHAT", ["refuse", "force"]),
    "refuse",
    "What becomes of a removal while Kata sandboxes run from the files; refused with exit status 5.",
    "KATA_DEPLOY_WHEN_IN_USE",
  ),
  action(
    "restart-beside-others",
    choice("WHEN", ["now", "defer"]),
    "now",
    "Whether the CRI runtime is restarted where other instances share the node.",
    "KATA_DEPLOY_RESTART_BESIDE_OTHERS",
  ),
  action(
    "nydus-data",
    choice("WHAT", ["keep", "purge"]),
    "keep",
    "What becomes of what nydus stored in /var/lib. purge removes its snapshots from containerd first and the directory last; where something still uses it, all of it is kept and that is named.",
    "KATA_DEPLOY_NYDUS_DATA",
  ),
  action(
    "snapshotter",
    text("NAME"),
    "none",
    "Whose snapshots: its name in containerd, or nydus and nydus-hs for those of this instance.",
  ),
  action("namespace", text("NS"), "all namespaces", "Look only at this namespace of containerd."),
  action(
    "apply",
    boolean,
    "false",
    "Carry out what is shown; without it nothing is changed. snapshots remove is the exception: only --apply=false makes it show and change nothing.",
  ),
  action(
    "verify",
    boolean,
    "false",
    "Read every owned file and compare its digest, not only those of which the times differ.",
  ),
  action("detailed-exitcode", boolean, "false", "Exit with 10 instead of 0 when the plan has changes."),
  action(
    "distribution",
    text("NAME"),
    "k3s",
    "Distribution of the sample host: k8s, k3s, rke2, k0s or microk8s.",
  ),
  action("containerd", text("X.Y"), "2.1", "Generation of the sample host's containerd, e.g. 1.7."),
  action("component", text("NAME"), "none", "Name of the component that is packed."),
  action(
    "output-dir",
    text("DIR"),
    "none",
    "Directory that the packed archive is written to; with artifacts pack, --output DIR says the same.",
  ),
  action("level", text("N"), "19", "How hard zstd tries, from 1 (quick) to 19 (small)."),
  action("keep", boolean, "false", "Leave the sample host in place for looking at."),
]

const settingValue = (value: SettingsTable.SettingKind): FlagValue => {
  switch (value.kind) {
    case "boolean":
      return boolean
    case "choice":
      // The grammar of settings decides: it ignores case and names the variable.
      // What does not fit beside the flag is told by the setting's description.
      return text(value.choices.join("|").length > 40 ? "MODE" : value.choices.join("|"))
    case "list":
      return text("LIST")
    case "mapping":
      return text("KEY:VALUE,…")
    case "per-shim":
      return text("VALUE")
    case "port":
      return text("PORT")
    case "host-path":
      return text("DIR")
    case "text":
      return text("TEXT")
  }
}

/** A setting as flag. `variable` is `undefined` for the short form that means this node's architecture. */
export interface SettingFlag extends FlagRow {
  readonly row: SettingsTable.SettingRow
}

const settingFlag = (
  name: string,
  variable: string | undefined,
  row: SettingsTable.SettingRow,
): SettingFlag => ({
  name,
  scope: "setting",
  value: settingValue(row.value),
  variable,
  fallback: row.fallback,
  description: row.description,
  row,
})

/** Flags of the settings as the help shows them: per-architecture ones once, in their short form. */
export const shortSettingFlags: ReadonlyArray<SettingFlag> = SettingsTable.rows.map(
  (row: SettingsTable.SettingRow) =>
    settingFlag(SettingsTable.flagName(row.variable), row.perArchitecture ? undefined : row.variable, row),
)

/** Every flag of a setting: one per variable, and the short forms of the per-architecture ones. */
export const settingFlags: ReadonlyArray<SettingFlag> = [
  ...shortSettingFlags.filter(({ row }) => row.perArchitecture),
  ...SettingsTable.variables(Architecture.known).map(({ row, variable }) =>
    settingFlag(SettingsTable.flagName(variable), variable, row),
  ),
]

/** Every flag that there is. */
export const flags: ReadonlyArray<FlagRow> = [...nodeFlags, ...outputFlags, ...actionFlags, ...settingFlags]

const byName = new Map(flags.map((row) => [row.name, row]))

/** The flag of that name, if there is one. */
export const lookup = (name: string): FlagRow | undefined => byName.get(name)

/** The flag as it is written: `--kube MODE`. */
export const signature = ({ name, value }: FlagRow): string =>
  value.kind === "boolean" ? `--${name}` : `--${name} ${value.placeholder}`
