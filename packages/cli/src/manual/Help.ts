/** Answers: how is the program used? The pages of `--help`, made from the tables. */
import * as ActionTable from "../command/ActionTable.ts"
import * as FlagTable from "../command/FlagTable.ts"
import type { Style } from "../render/Paint.ts"
import { commandLines, hanging, wrap } from "../render/Prose.ts"

/** A name in a column of its own, and text beside it. */
const beside = (name: string, text: string, width: number, { columns }: Style): ReadonlyArray<string> =>
  name.length > width
    ? [`  ${name}`, ...hanging(" ".repeat(width + 4), text, columns)]
    : hanging(`  ${name.padEnd(width)}  `, text, columns)

/** Words in backquotes are code in the documentation; a terminal needs no quotes around them. */
const unquoted = (text: string): string => text.replaceAll("`", "")

const page = (lines: ReadonlyArray<string>): string => `${lines.join("\n")}\n`

const groups = [...new Set(ActionTable.rows.map((row) => row.group))]

/** The page of the whole program. */
export const general = (style: Style): string => {
  const title = (text: string) => style.paint("bold", text)
  const width = Math.max(...ActionTable.names.map((name) => name.length))
  const flagLines = (flags: ReadonlyArray<FlagTable.FlagRow>) =>
    flags.flatMap((row) => beside(FlagTable.signature(row), row.description, 18, style))
  return page([
    `${title("kata-deploy")} installs Kata Containers on a Kubernetes node.`,
    "",
    `${title("Usage:")} kata-deploy [FLAGS] ACTION [FLAGS]`,
    ...groups.flatMap((group) => [
      "",
      title(group),
      ...ActionTable.rows
        .filter((row) => row.group === group)
        .flatMap((row) => beside(row.name, row.summary, width, style)),
    ]),
    "",
    title("The host and its surroundings"),
    ...flagLines(FlagTable.nodeFlags),
    "",
    title("Output"),
    ...flagLines(FlagTable.outputFlags),
    "",
    ...wrap(
      "Every setting is an environment variable and a flag of the same name, e.g. SHIMS_X86_64 and --shims-x86-64; a flag wins over a variable, a variable over the file of --config. kata-deploy ACTION --help lists them.",
      style.columns,
    ),
    "",
    ...hanging("To begin with: ", "kata-deploy try", style.columns),
  ])
}

const usage = ({ name, operand }: ActionTable.ActionRow): string => {
  if (operand === undefined) return `kata-deploy ${name} [FLAGS]`
  const word = operand.fallback === undefined ? operand.placeholder : `[${operand.placeholder}]`
  const further = operand.further?.map(({ placeholder }) => placeholder) ?? []
  return `kata-deploy ${[name, word, ...further].join(" ")} [FLAGS]`
}

/** The variable beside a flag; settings of each architecture have one for each. */
const variableOf = (row: FlagTable.FlagRow): string => {
  const short = FlagTable.shortSettingFlags.find((flag) => flag.name === row.name)
  return short?.row.perArchitecture === true ? `${short.row.variable}_<ARCH>` : (row.variable ?? "")
}

const flagLines = (row: FlagTable.FlagRow, style: Style): ReadonlyArray<string> => {
  const choices = row.value.kind === "choice" ? ` One of ${row.value.choices.join(", ")}.` : ""
  const fallback = row.fallback === "" ? "" : ` Default: ${row.fallback}.`
  return [
    `  ${FlagTable.signature(row).padEnd(36)} ${style.paint("dim", variableOf(row))}`.trimEnd(),
    ...hanging("      ", unquoted(`${row.description}${choices}${fallback}`), style.columns),
  ]
}

/** What each word behind the action can be, where there is a choice that its placeholder does not say. */
const operandLines = ({ operand }: ActionTable.ActionRow, { columns }: Style): ReadonlyArray<string> => {
  const all = operand === undefined ? [] : [operand, ...(operand.further ?? [])]
  const lines = all
    .filter(({ choices, placeholder }) => choices.join("|") !== placeholder)
    .flatMap(({ choices, placeholder }) =>
      hanging(`${placeholder}: `, `one of ${choices.join(", ")}.`, columns),
    )
  return lines.length === 0 ? [] : ["", ...lines]
}

/** What stands above the settings. */
const settingsNote =
  "Flags without architecture are for this node's; --shims-x86-64 and the like name one. <ARCH> is X86_64, AARCH64, S390X or PPC64LE. In the file of --config keys are in camelCase."

/** The page of one action. */
export const ofAction = (action: ActionTable.ActionRow, style: Style): string => {
  const title = (text: string) => style.paint("bold", text)
  return page([
    `${title(`kata-deploy ${action.name}`)}: ${action.summary}.`,
    "",
    ...wrap(action.details, style.columns),
    ...operandLines(action, style),
    "",
    `${title("Usage:")} ${usage(action)}`,
    "",
    title("Example:"),
    ...commandLines(" ", "      ", `kata-deploy ${action.example}`.split(/ (?=--)/), style.columns),
    ...ActionTable.flagsOf(action).flatMap(({ flags, heading }) => [
      "",
      title(heading),
      ...(heading === "Settings" ? [...wrap(settingsNote, style.columns), ""] : []),
      ...flags.flatMap((row) => flagLines(row, style)),
    ]),
  ])
}
