/**
 * Answers: to whom does a file with runtime handlers belong? By its content: what starts a program below our install
 * directory is ours, whoever wrote it. Source: decisions §4, §5.
 */
import { Result } from "effect"
import * as HostPath from "../model/HostPath.ts"
import * as TableCut from "../toml/TableCut.ts"
import * as Toml from "../toml/Toml.ts"
import * as TomlEdit from "../toml/TomlEdit.ts"

/** A handler that a file names. */
export interface NamedHandler {
  readonly name: string
  /** Keys from the root to its table. */
  readonly table: TomlEdit.Path
  /** The program that is started for it, where the file says. */
  readonly program: string | undefined
}

const handlersAt = (root: Toml.Table, path: TomlEdit.Path): ReadonlyArray<NamedHandler> =>
  Object.entries(Toml.tableAt(root, ...path) ?? {}).flatMap(([name, handler]) => {
    if (!Toml.isTable(handler)) return []
    const program = handler["runtime_path"]
    return [{ name, table: [...path, name], program: typeof program === "string" ? program : undefined }]
  })

/** Every handler of a containerd or CRI-O file; none where the text is no TOML. */
export const handlersOf = (text: string): ReadonlyArray<NamedHandler> =>
  Result.match(Toml.parse(text), {
    onFailure: () => [],
    onSuccess: (root) => [
      ...Object.keys(Toml.tableAt(root, "plugins") ?? {}).flatMap((plugin) =>
        handlersAt(root, ["plugins", plugin, "containerd", "runtimes"]),
      ),
      ...handlersAt(root, ["crio", "runtime", "runtimes"]),
    ],
  })

/** Whether a handler starts a program of this install directory. */
export const isBelow = (handler: NamedHandler, installDir: HostPath.HostPath): boolean =>
  handler.program !== undefined && HostPath.isBelow(HostPath.make(handler.program), installDir)

/**
 * `ours`: every program in it lies below the install directory; `partly`: some do; `others`: none does. `unsaid`: it
 * names no program at all.
 */
export type Belonging = "ours" | "partly" | "others" | "unsaid"

/** To whom a file belongs. */
export const belonging = (text: string, installDir: HostPath.HostPath): Belonging => {
  const programs = handlersOf(text).filter((handler) => handler.program !== undefined)
  if (programs.length === 0) return "unsaid"
  const own = programs.filter((handler) => isBelow(handler, installDir)).length
  return own === programs.length ? "ours" : own > 0 ? "partly" : "others"
}

/**
 * Whether a file can only be the work of this program or its predecessor: all of its handlers are Kata's, and start
 * programs of the install directory where they name any.
 */
export const isKatas = (text: string, installDir: HostPath.HostPath): boolean => {
  const handlers = handlersOf(text)
  return (
    handlers.length > 0 &&
    handlers.every((handler) =>
      handler.program === undefined ? handler.name.startsWith("kata-") : isBelow(handler, installDir),
    )
  )
}

/** The longest part of a path whose last table holds nothing but what the path leads to. */
const alone = (root: Toml.Table, path: TomlEdit.Path): TomlEdit.Path => {
  const above = path.slice(0, -1)
  const table = Toml.tableAt(root, ...above)
  return above.length > 0 && table !== undefined && Object.keys(table).length === 1
    ? alone(root, above)
    : path
}

/** What goes so far, and what the file says without it. */
interface Going {
  readonly root: Toml.Table
  readonly paths: ReadonlyArray<TomlEdit.Path>
}

/** A table left empty would say that there is no handler at all, so it goes with the last one in it. */
const withTable = (going: Going, path: TomlEdit.Path): Going => {
  if (Toml.at(going.root, ...path) === undefined) return going
  const cut = alone(going.root, path)
  return { root: TomlEdit.withoutKey(going.root, cut), paths: [...going.paths, cut] }
}

/** The text without the tables of our handlers; `undefined` where they cannot be cut out. */
export const withoutOurs = (text: string, installDir: HostPath.HostPath): string | undefined => {
  const images = ["plugins", "io.containerd.cri.v1.images", "runtime_platforms"]
  const tables = handlersOf(text)
    .filter((handler) => isBelow(handler, installDir))
    .flatMap((handler) => [handler.table, [...images, handler.name]])
  if (tables.length === 0) return text
  const root = Result.getOrElse(Toml.parse(text), () => ({}))
  const cut = TableCut.without(text, tables.reduce(withTable, { root, paths: [] }).paths)
  return cut !== undefined && ["others", "unsaid"].includes(belonging(cut, installDir)) ? cut : undefined
}
