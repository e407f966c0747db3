/**
 * Answers: which variables of the environment are hardly meant for anybody else, and are none of ours? Most of an
 * environment is others' business, and a misspelt setting would be passed over in silence.
 */
import { Architecture, NearestName, SettingsTable } from "@kata-deploy/core"
import * as FlagTable from "./FlagTable.ts"
import * as VariableTable from "./VariableTable.ts"

/** A variable that means nothing, and the one that was most likely meant. */
export interface Lookalike {
  readonly name: string
  readonly meant: string
}

const settings = SettingsTable.variables(Architecture.known).map(({ variable }) => variable)

const known: ReadonlyArray<string> = [
  ...settings,
  ...FlagTable.flags.flatMap(({ variable }) => variable ?? []),
  ...VariableTable.rows.map(({ name }) => name).filter((name) => name.startsWith("KATA_DEPLOY_")),
]

/** Settings of single architectures, by their names without one. */
const unfinished = new Map(
  SettingsTable.rows
    .filter(({ perArchitecture }) => perArchitecture)
    .map(({ variable }) => [variable as string, `${variable}_<ARCH>, e.g. ${variable}_X86_64`]),
)

/** Names that flags' variables begin with; in front of a setting it is one word too many. */
const prefix = "KATA_DEPLOY_"

/** In names of this length one character may be wrong, in longer ones two: short words resemble too many others. */
const short = 12

const meantBy = (name: string): string | undefined => {
  const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name
  if (unfinished.has(bare)) return unfinished.get(bare)
  if (settings.includes(bare)) return bare
  return name.length < 8 ? undefined : NearestName.nearestName(name, known, name.length < short ? 1 : 2)
}

/** Variables that look like ours, sorted by name; one without a value is as good as none. */
export const find = (env: Readonly<Record<string, string | undefined>>): ReadonlyArray<Lookalike> =>
  Object.keys(env)
    .filter((name) => !known.includes(name) && (env[name] ?? "").trim() !== "")
    .sort()
    .flatMap((name) => {
      const meant = meantBy(name)
      return meant === undefined ? [] : [{ name, meant }]
    })
