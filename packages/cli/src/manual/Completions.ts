/** Answers: how do shells complete the command line? Scripts for bash, zsh and fish, made from the tables. */
import * as ActionTable from "../command/ActionTable.ts"
import * as FlagTable from "../command/FlagTable.ts"

/** Shells with completions. */
export type Shell = (typeof ActionTable.shells)[number]

/** What may follow a flag: words, a file, a directory, or anything. */
const following = ({
  value,
}: FlagTable.FlagRow): ReadonlyArray<string> | "file" | "directory" | "text" | "nothing" => {
  switch (value.kind) {
    case "boolean":
      return "nothing"
    case "choice":
      return value.choices
    case "text":
      if (value.placeholder.includes("|")) return value.placeholder.split("|")
      return value.placeholder === "DIR" ? "directory" : value.placeholder === "FILE" ? "file" : "text"
  }
}

const flagsOf = (action: ActionTable.ActionRow): ReadonlyArray<FlagTable.FlagRow> =>
  FlagTable.flags.filter((flag) => ActionTable.takes(action, flag))

/** Every word that may stand behind an action. */
const wordsOf = ({ operand }: ActionTable.ActionRow): ReadonlyArray<string> => [
  ...(operand?.choices ?? []),
  ...(operand?.further ?? []).flatMap(({ choices }) => choices),
]

const before = FlagTable.flags.filter((flag) => flag.scope !== "action")

const names = (flags: ReadonlyArray<FlagTable.FlagRow>): string =>
  flags.map((flag) => `--${flag.name}`).join(" ")

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** Flags that complete in the same way, together. */
const bashValues = (): ReadonlyArray<string> => {
  const groups = new Map<string, Array<string>>()
  for (const flag of FlagTable.flags) {
    const what = following(flag)
    if (what === "nothing") continue
    const command =
      what === "directory"
        ? "compgen -d"
        : what === "file"
          ? "compgen -f"
          : what === "text"
            ? ":"
            : `compgen -W ${quoted(what.join(" "))}`
    groups.set(command, [...(groups.get(command) ?? []), `--${flag.name}`])
  }
  return [...groups].map(([command, flags]) =>
    command === ":"
      ? `    ${flags.join("|")}) return ;;`
      : `    ${flags.join("|")}) mapfile -t COMPREPLY < <(${command} -- "$word"); return ;;`,
  )
}

const bash = (): string => `# bash completion of kata-deploy; made by: kata-deploy completions bash
_kata_deploy() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} action= words= each
  case $previous in
${bashValues().join("\n")}
  esac
  for each in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $each in ${ActionTable.names.join("|")}) action=$each; break ;; esac
  done
  case $action in
    '') words=${quoted(`${ActionTable.names.join(" ")} ${names(before)}`)} ;;
${ActionTable.rows
  .map((row) => `    ${row.name}) words=${quoted([...wordsOf(row), names(flagsOf(row))].join(" "))} ;;`)
  .join("\n")}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _kata_deploy kata-deploy
`

/** Text inside a specification of `_arguments`, where brackets and colons mean something. */
const zshText = (text: string): string => text.replace(/[[\]:\\]/g, "\\$&").replaceAll("`", "")

const zshFlag = (flag: FlagTable.FlagRow): string => {
  const what = following(flag)
  const about = `[${zshText(flag.description)}]`
  if (what === "nothing") return quoted(`--${flag.name}${about}`)
  const action =
    what === "directory"
      ? "_files -/"
      : what === "file"
        ? "_files"
        : what === "text"
          ? " "
          : `(${what.join(" ")})`
  // The equals sign stands for both forms, `--flag=value` and `--flag value`.
  return quoted(`--${flag.name}=${about}:${flag.name}:${action}`)
}

/** The words behind an action, each at its place. */
const zshOperands = ({ operand }: ActionTable.ActionRow): ReadonlyArray<string> =>
  [operand ?? { placeholder: " ", choices: [] }, ...(operand?.further ?? [])].map(
    ({ choices, placeholder }, at) => quoted(`${at + 2}:${placeholder}:(${choices.join(" ")})`),
  )

const zsh = (): string => `#compdef kata-deploy
# zsh completion of kata-deploy; made by: kata-deploy completions zsh
_kata_deploy() {
  local -a actions flags
  local each action=
  actions=(
${ActionTable.rows.map((row) => `    ${quoted(`${row.name}:${row.summary}`)}`).join("\n")}
  )
  for each in "\${(@)words[2,CURRENT-1]}"; do
    (( \${actions[(I)$each:*]} )) && { action=$each; break }
  done
  case $action in
    '')
      flags=(
${before.map((flag) => `        ${zshFlag(flag)}`).join("\n")}
      )
      _arguments $flags '1:action:{_describe action actions}' ;;
${ActionTable.rows
  .map(
    (row) => `    ${row.name})
      flags=(
${flagsOf(row)
  .map((flag) => `        ${zshFlag(flag)}`)
  .join("\n")}
      )
      _arguments $flags '1: :' ${zshOperands(row).join(" ")} ;;`,
  )
  .join("\n")}
  esac
}
_kata_deploy "$@"
`

const fishFlag = (flag: FlagTable.FlagRow): string => {
  const what = following(flag)
  const takers = ActionTable.rows.filter((row) => ActionTable.takes(row, flag)).map((row) => row.name)
  const condition =
    flag.scope === "everywhere" ? "" : ` -n ${quoted(`__fish_seen_subcommand_from ${takers.join(" ")}`)}`
  const value =
    what === "nothing"
      ? ""
      : what === "directory"
        ? " -x -a '(__fish_complete_directories)'"
        : what === "file"
          ? " -r -F"
          : what === "text"
            ? " -x"
            : ` -x -a ${quoted(what.join(" "))}`
  return `complete -c kata-deploy${condition} -l ${flag.name}${value} -d ${quoted(flag.description.replaceAll("`", ""))}`
}

const fish = (): string => `# fish completion of kata-deploy; made by: kata-deploy completions fish
complete -c kata-deploy -f
${[
  ...ActionTable.rows.map(
    (row) => `complete -c kata-deploy -n __fish_use_subcommand -a ${row.name} -d ${quoted(row.summary)}`,
  ),
  ...ActionTable.rows.flatMap((row) =>
    row.operand === undefined
      ? []
      : [
          `complete -c kata-deploy -n ${quoted(`__fish_seen_subcommand_from ${row.name}`)} -a ${quoted(wordsOf(row).join(" "))}`,
        ],
  ),
  ...FlagTable.flags.map(fishFlag),
].join("\n")}
`

/** The completion script of a shell. */
export const script = (shell: Shell): string => ({ bash, zsh, fish })[shell]()
