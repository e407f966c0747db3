/**
 * Answers: what do the generated pages of the documentation say? `docs/settings.md` and `docs/cli.md` are made from
 * the tables; a test fails when they are stale.
 */
import { Architecture, SettingsTable, Shim } from "@kata-deploy/core"
import * as ActionTable from "../command/ActionTable.ts"
import * as FlagTable from "../command/FlagTable.ts"
import * as VariableTable from "../command/VariableTable.ts"
import { enumerate } from "../render/Prose.ts"

const cell = (text: string): string => text.replaceAll("|", "\\|")

const table = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
): ReadonlyArray<string> =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`)

const generatedNote =
  "<!-- Generated from the tables in the sources. To renew it: UPDATE_GOLDEN=1 npx vitest run --config vitest.workspace.ts --project cli -->"

const page = (lines: ReadonlyArray<string>): string => `${lines.join("\n")}\n`

const code = (text: string): string => `\`${text}\``

const fileForm = ({ value }: SettingsTable.SettingRow): string => {
  switch (value.kind) {
    case "boolean":
      return "`true` or `false`"
    case "choice":
      return value.choices.map(code).join(" or ")
    case "list":
      return "list of words"
    case "mapping":
      return "map from shims to words"
    case "per-shim":
      return "one text, or a map from shims to texts"
    case "port":
      return "number"
    case "host-path":
      return "absolute path on the host"
    case "text":
      return "text"
  }
}

const variableOf = (row: SettingsTable.SettingRow): string =>
  code(row.perArchitecture ? `${row.variable}_<ARCH>` : row.variable)

/** The lists whose words are separated so. */
const separated = (separator: "comma" | "either"): string =>
  enumerate(
    SettingsTable.rows
      .filter(({ value }) => value.kind === "list" && value.separator === separator)
      .map(variableOf),
  )

const settingRow = (row: SettingsTable.SettingRow): ReadonlyArray<string> => [
  variableOf(row),
  code(`--${SettingsTable.flagName(row.variable)}`),
  code(SettingsTable.fileKey(row.variable)),
  row.perArchitecture ? `by architecture: ${fileForm(row)}` : fileForm(row),
  row.fallback,
  row.description,
]

/** What is known of a shim, and on which architectures it is set up where nobody names any. */
const shimRow = (name: string): ReadonlyArray<string> => {
  const { hypervisor, runtime } = Shim.shims[name]!
  const architectures = Architecture.known.filter((each) => Shim.defaultShims(each).includes(name))
  return [code(name), hypervisor, runtime === "rust" ? "Rust" : "Go", architectures.map(code).join(", ")]
}

/** The page about settings. */
export const settings = (): string =>
  page([
    "# Settings",
    generatedNote,
    "",
    "Every setting is an environment variable, a flag and a key of the settings file that `--config` names.",
    "A flag wins over the variable, the variable over the file. All problems are reported at once; of many of one kind in one setting the first 20, and how many there are besides.",
    "",
    `\`<ARCH>\` is ${Architecture.known.map((name) => code(name.toUpperCase())).join(", ")}; only the variables of the node's own architecture are read. The flag without architecture, such as \`--shims\`, is for this node's; \`--shims-x86-64\` and the like name one.`,
    "",
    `In variables and flags, lists are one text with words between blanks; ${separated("comma")} are separated by commas, ${separated("either")} by either. Mappings are written as \`shim:word,shim:word\`, values for single shims as \`shim=value;shim=value\`. Booleans are \`true\`, \`1\`, \`yes\`, \`on\`, \`false\`, \`0\`, \`no\` or \`off\`. An empty variable is unset; only an empty \`SHIMS_<ARCH>\` means explicitly none. A variable that looks like a misspelt one of these is named in the log.`,
    "",
    "The settings file is YAML or JSON; `kata-deploy schema settings` prints its schema:",
    "",
    "```yaml",
    "nodeName: worker-1",
    "shims:",
    "  x86_64: [qemu, clh]",
    "snapshotterHandlerMapping:",
    "  x86_64: { qemu: overlayfs }",
    "```",
    "",
    ...table(
      ["Variable", "Flag", "Key", "In the file", "Default", "What it does"],
      SettingsTable.rows.map(settingRow),
    ),
    "",
    "## Files of the operator",
    "",
    "Kata's configuration and further handlers come as files in `/custom-configs`, a directory of the process and not of the host, to which a pod mounts a ConfigMap. An install reads them; a cleanup needs none of them.",
    "",
    ...table(
      ["File", "What it does"],
      [
        [
          "`custom-runtimes.list`",
          "With `CUSTOM_RUNTIMES_ENABLED`: a line `handler:shim:snapshotter:pull type` for each further handler, of which the last two may be left out. `#` begins a comment.",
        ],
        [
          "`dropin-NAME.toml`",
          "Laid over Kata's configuration of an enabled shim, or of a handler of the list, from its `config.d`. One that is no TOML is refused.",
        ],
      ],
    ),
    "",
    "## Shims",
    "",
    "Names that begin with `qemu` are taken beyond these, for images that hold more. Each shim offers the runtime handler `kata-` and its name.",
    "",
    ...table(["Shim", "Hypervisor", "Kata's runtime", "Set up by default on"], Shim.names.map(shimRow)),
  ])

const flagRow = (row: FlagTable.FlagRow): ReadonlyArray<string> => [
  code(FlagTable.signature(row)),
  row.variable === undefined ? "" : code(row.variable),
  row.value.kind === "choice" ? row.value.choices.map(code).join(", ") : "",
  row.fallback,
  row.description,
]

const flagHead = ["Flag", "Variable", "Values", "Default", "What it does"]

const exitStatus: ReadonlyArray<readonly [string, string]> = [
  ["0", "done; a plan with changes is 0 too"],
  ["1", "failed, or could not look at what it had to; a report says what was done, undone and left"],
  ["2", "wrong usage or settings; nothing was touched"],
  ["3", "the node does not meet the prerequisites; nothing was touched, or all of it was taken back"],
  ["4", "`status` found drift; or `install --plan` found that the plan drifted, and touched nothing"],
  [
    "5",
    "in use: Kata sandboxes run from what would be removed, so that stayed, and the labels say so; or snapshots stayed",
  ],
  ["6", "failed, and could not be undone completely: somebody has to look"],
  ["10", "`plan --detailed-exitcode`: there are changes"],
  [
    "130, 143",
    "`try` was stopped by SIGINT or SIGTERM; other actions end with 1 or 6 then, and an install that stays [with 0](pod.md)",
  ],
]

/** The page about the command line. */
export const commandLine = (): string =>
  page([
    "# Command line",
    generatedNote,
    "",
    "```",
    "kata-deploy [FLAGS] ACTION [FLAGS]",
    "```",
    "",
    "Settings are flags too; they are in [settings.md](settings.md). Results go to standard output, everything else to standard error.",
    "",
    "## Actions",
    "",
    ...table(
      ["Action", "What it does"],
      ActionTable.rows.map((row) => [code(row.name), `${row.summary}. ${row.details}`]),
    ),
    "",
    ...ActionTable.rows.flatMap((row) => [`    kata-deploy ${row.example}`]),
    "",
    "## Flags of single actions",
    "",
    ...table(
      ["Flag", "Action", ...flagHead.slice(1)],
      FlagTable.actionFlags.map((flag) => {
        const [signature, ...rest] = flagRow(flag)
        const actions = ActionTable.rows.filter((row) => ActionTable.takes(row, flag))
        return [signature!, actions.map((row) => code(row.name)).join(", "), ...rest]
      }),
    ),
    "",
    "## The host and its surroundings",
    "",
    ...table(flagHead, FlagTable.nodeFlags.map(flagRow)),
    "",
    "## Output",
    "",
    ...table(flagHead, FlagTable.outputFlags.map(flagRow)),
    "",
    "## Variables without a flag",
    "",
    ...table(
      ["Variable", "Values", "Default", "What it does"],
      VariableTable.rows.map((row) => [code(row.name), row.value, row.fallback, row.description]),
    ),
    "",
    "## Exit status",
    "",
    ...table(["Status", "Meaning"], exitStatus),
  ])
