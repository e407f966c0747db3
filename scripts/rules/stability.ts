/**
 * Does the core use only what Effect promises to keep? Every export of Effect carries a `@stability` tag; the
 * core may use those tagged `stable`, export by export.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import {
  type Finding,
  identifier,
  isCode,
  lineOf,
  parse,
  type Rule,
  type SourceFile,
  walk,
} from "./Source.ts"

/** Gives the text of a file below Effect's `src`, undefined when there is none. */
export type ReadEffect = (path: string) => string | undefined

type Stability = "stable" | "unstable" | "experimental"

const tagged = /\/\*\*(?:(?!\*\/)[^])*?@stability (\w+)(?:(?!\*\/)[^])*\*\/\s*([^\n]*)/g
const declaration =
  /^(?:export )?(?:declare )?(?:abstract )?(?:const|let|function\*?|class|interface|type|namespace|\*)? ?(?:as )?([\w$]+)(?: as ([\w$]+))?/

/** The tag of each export of a module; the key "" holds the tag of the module itself. */
const tags = (text: string): ReadonlyMap<string, Stability> => {
  const found = new Map<string, Stability>()
  for (const [, tag, line = ""] of text.matchAll(tagged)) {
    const match = declaration.exec(line)
    const isStatement = line.startsWith("import ") || line === "" || match === null
    const name = found.size === 0 && isStatement ? "" : (match?.[2] ?? match?.[1] ?? "")
    // A schema and its type share a name: it is as stable as the less stable of both.
    if (found.get(name) === undefined || found.get(name) === "stable") found.set(name, tag as Stability)
  }
  return found
}

/** Answers for one export of `effect` or `effect/Some/Module`; undefined when there is no such export. */
const lookup = (read: ReadEffect) => {
  const known = new Map<string, ReadonlyMap<string, Stability> | undefined>()
  return (module: string): ReadonlyMap<string, Stability> | undefined => {
    if (!known.has(module)) {
      const text = read(`${module}.ts`) ?? read(`${module}/index.ts`)
      known.set(module, text === undefined ? undefined : tags(text))
    }
    return known.get(module)
  }
}

/** The rule over some copy of Effect's sources. */
export const stableEffect = (read: ReadEffect): Rule => ({
  name: "effect-stable",
  says: "packages/core uses only exports of Effect that are tagged stable",
  check: (files) => {
    const of = lookup(read)
    return files
      .filter((file) => isCode(file) && file.path.startsWith("packages/core/src/"))
      .flatMap((file) => unstableUses(file, of))
  },
})

const unstableUses = (
  file: SourceFile,
  of: (module: string) => ReadonlyMap<string, Stability> | undefined,
): ReadonlyArray<Finding> => {
  const found: Array<Finding> = []
  const demand = (module: string, name: string, offset: number) => {
    const tag = of(module)?.get(name)
    if (tag === "stable") return
    const what = name === "" ? `effect/${module}` : `${module === "index" ? "effect" : module}.${name}`
    found.push({
      path: file.path,
      line: lineOf(file, offset),
      message: tag === undefined ? `no stability is known for ${what}` : `${what} is tagged ${tag}`,
    })
  }

  const { module, program } = parse(file)
  /** Local names that stand for a whole module of Effect. */
  const namespaces = new Map<string, string>()
  const requests = [
    ...module.staticImports.map(({ entries, moduleRequest }) => ({ entries, from: moduleRequest })),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap((entry) =>
        entry.moduleRequest
          ? [{ entries: [{ ...entry, localName: { value: "" } }], from: entry.moduleRequest }]
          : [],
      ),
    ),
  ]
  for (const { entries, from } of requests) {
    if (from.value !== "effect" && !from.value.startsWith("effect/")) continue
    const path = from.value === "effect" ? "index" : from.value.slice("effect/".length)
    for (const { importName, localName } of entries) {
      const name = importName.name
      if (name === null) {
        // The whole module: each use is judged, and the barrel is no module of its own.
        if (path !== "index") demand(path, "", from.start)
        namespaces.set(localName.value, path)
        continue
      }
      demand(path, name, importName.start ?? from.start)
      const inner = path === "index" ? name : `${path}/${name}`
      if (of(inner)) namespaces.set(localName.value, inner)
    }
  }

  walk(program, (node) => {
    const [left, right] =
      node.type === "MemberExpression" && node["computed"] !== true
        ? [node["object"], node["property"]]
        : node.type === "TSQualifiedName"
          ? [node["left"], node["right"]]
          : []
    const namespace = namespaces.get(identifier(left) ?? "")
    const name = identifier(right)
    if (namespace === undefined || name === undefined) return
    if (namespace === "index") demand("index", name, node.start)
    else demand(namespace, name, node.start)
  })
  return found
}

const effectSources = join(import.meta.dirname, "../../node_modules/effect/src")

/** The rule over the Effect that is installed. */
export const stable: Rule = stableEffect((path) => {
  try {
    return readFileSync(join(effectSources, path), "utf8")
  } catch {
    return undefined
  }
})
