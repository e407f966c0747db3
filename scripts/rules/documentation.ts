/**
 * Is everything that a package offers described? Public is what can be reached from an entry of the package.
 */
import {
  type Finding,
  identifier,
  isCode,
  lineOf,
  type Node,
  parse,
  resolveRelative,
  type Rule,
  type SourceFile,
} from "./Source.ts"

const isEntry = (path: string): boolean => /^packages\/[^/]+\/src\/(testing\/)?index\.ts$/.test(path)

/** The text of the documentation comment right before an offset; undefined when there is none. */
const commentBefore = (file: SourceFile, offset: number): string | undefined => {
  const comment = parse(file).comments.findLast(
    ({ end, type, value }) =>
      type === "Block" &&
      value.startsWith("*") &&
      end <= offset &&
      file.text.slice(end, offset).trim() === "",
  )
  return comment?.value.replace(/^\s*\*+ ?/gm, "")
}

/** At least one full sentence before the first tag: some words that end in a full stop. */
const describes = (comment: string | undefined): boolean => {
  const prose = (comment ?? "").split(/^\s*@/m)[0] ?? ""
  return /\S+\s+\S+\s+\S[^]*?[.!?](\s|$)/.test(prose)
}

const declaredNames = (declaration: unknown): ReadonlyArray<string> => {
  const node = (declaration ?? {}) as Partial<Node>
  const own = identifier(node["id"])
  if (own !== undefined) return [own]
  const several = node["declarations"]
  return Array.isArray(several) ? several.flatMap((each: Node) => identifier(each["id"]) ?? []) : []
}

interface Declaration {
  readonly name: string
  readonly start: number
  readonly described: boolean
}

/** Every declaration at the top level of a file, exported or not. */
const declarations = (file: SourceFile): ReadonlyArray<Declaration> =>
  parse(file).program.body.flatMap((statement) => {
    const exported = statement.type === "ExportNamedDeclaration" && statement.declaration !== null
    return declaredNames(exported ? statement.declaration : statement).map((name) => ({
      name,
      start: statement.start,
      described: describes(commentBefore(file, statement.start)),
    }))
  })

/** Where a local name comes from, when it was imported from a file of ours. */
const importedAs = (file: SourceFile, local: string) => {
  for (const { entries, moduleRequest } of parse(file).module.staticImports) {
    const entry = entries.find(({ localName }) => localName.value === local)
    if (entry && moduleRequest.value.startsWith("."))
      return {
        path: resolveRelative(file.path, moduleRequest.value),
        name: entry.importName.name ?? undefined,
      }
  }
  return undefined
}

/** A public export needs a description; a schema and its type of the same name may share one. */
export const documented: Rule = {
  name: "documented-exports",
  says: "everything that a package exports has a doc comment with a full sentence",
  check: (files) => {
    const byPath = new Map(files.map((file) => [file.path, file]))
    const seen = new Set<string>()
    const found: Array<Finding> = []

    /** Looks at one export of a file, or at all of them. */
    const visit = (path: string, wanted: string | undefined): void => {
      const file = byPath.get(path)
      const key = `${path} ${wanted ?? "*"}`
      if (file === undefined || !isCode(file) || seen.has(key)) return
      seen.add(key)
      const local = declarations(file)
      for (const { entries } of parse(file).module.staticExports) {
        for (const entry of entries) {
          const name = entry.exportName.name
          if (wanted !== undefined && name !== null && name !== wanted) continue
          if (entry.moduleRequest) {
            const target = resolveRelative(path, entry.moduleRequest.value)
            if (entry.moduleRequest.value.startsWith(".")) visit(target, entry.importName.name ?? undefined)
            continue
          }
          const known = entry.localName.name ?? name ?? ""
          const imported = importedAs(file, known)
          if (imported) visit(imported.path, imported.name)
          else
            report(
              file,
              known,
              local.filter((each) => each.name === known),
              entry.start,
            )
        }
      }
    }

    const report = (file: SourceFile, name: string, places: ReadonlyArray<Declaration>, start: number) => {
      const key = `${file.path} ! ${name}`
      if (seen.has(key) || places.some(({ described }) => described)) return
      seen.add(key)
      const line = lineOf(file, places[0]?.start ?? start)
      found.push({ path: file.path, line, message: `${name} is public and not described in a full sentence` })
    }

    for (const { path } of files) if (isEntry(path)) visit(path, undefined)
    return found
  },
}
