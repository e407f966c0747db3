/**
 * What a rule looks at and what it says: files as (path, text), findings as (path, line, message).
 */
import { type ParseResult, parseSync } from "rolldown/utils"

/** A file of the repository. */
export interface SourceFile {
  /** Relative to the root, with `/`. */
  readonly path: string
  readonly text: string
}

/** One violation of a rule. */
export interface Finding {
  readonly path: string
  /** Counted from 1; absent where the whole file is meant. */
  readonly line?: number
  readonly message: string
}

/** A rule over all files at once. It is a pure function, so a test can hand it planted ones. */
export interface Rule {
  /** The name by which `npm run check -- NAME` runs it alone. */
  readonly name: string
  /** What holds when the rule has no findings. */
  readonly says: string
  readonly check: (files: ReadonlyArray<SourceFile>) => ReadonlyArray<Finding>
}

/** An import or re-export of another module, static or dynamic, of values or of types only. */
export interface Import {
  readonly specifier: string
  readonly line: number
}

const parsed = new WeakMap<SourceFile, ParseResult>()

/** The syntax tree with comments and module records; the same file is parsed once. */
export const parse = (file: SourceFile): ParseResult => {
  const known = parsed.get(file)
  if (known !== undefined) return known
  const result = parseSync(file.path, file.text)
  parsed.set(file, result)
  return result
}

/** True for the files that the rules can parse. */
export const isCode = (file: SourceFile): boolean => /\.m?[jt]s$/.test(file.path)

/** The line of an offset, counted from 1. */
export const lineOf = (file: SourceFile, offset: number): number =>
  file.text.slice(0, offset).split("\n").length

/** Everything that the file imports or re-exports from, in the order of the text. */
export const imports = (file: SourceFile): ReadonlyArray<Import> => {
  const { module, program } = parse(file)
  const found: Array<{ specifier: string; start: number }> = []
  for (const { moduleRequest } of module.staticImports)
    found.push({ specifier: moduleRequest.value, start: moduleRequest.start })
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest } of entries)
      if (moduleRequest) found.push({ specifier: moduleRequest.value, start: moduleRequest.start })
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const literal = /^(["'`])([^"'`$]+)\1$/.exec(file.text.slice(moduleRequest.start, moduleRequest.end))
    if (literal?.[2]) found.push({ specifier: literal[2], start: moduleRequest.start })
  }
  walk(program, (node) => {
    if (node.type === "TSImportType" && isNode(node["source"]))
      found.push({ specifier: String(node["source"]["value"]), start: node.start })
  })
  return found
    .sort((a, b) => a.start - b.start)
    .map(({ specifier, start }) => ({ specifier, line: lineOf(file, start) }))
}

/** A node of the syntax tree, as far as a walk over all kinds needs to know it. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

/** Tells a node of the syntax tree from the other values in it. */
export const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"

/** Calls `visit` with every node, parents first. */
export const walk = (root: unknown, visit: (node: Node) => void): void => {
  if (Array.isArray(root)) {
    for (const each of root) walk(each, visit)
  } else if (isNode(root)) {
    visit(root)
    for (const field of Object.values(root)) if (typeof field === "object") walk(field, visit)
  }
}

/** The name of an identifier node; undefined for any other node. */
export const identifier = (node: unknown): string | undefined =>
  isNode(node) && node.type === "Identifier" ? String(node["name"]) : undefined

/** A specifier without what follows the package name: `effect/Schema` is of `effect`. */
export const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

/** The path that a relative specifier means, seen from a file. */
export const resolveRelative = (from: string, specifier: string): string => {
  const parts = from.split("/").slice(0, -1)
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop()
    else if (part !== ".") parts.push(part)
  }
  return parts.join("/")
}

/** `core` for a file of `packages/core`, with the folder below it; undefined outside of the packages. */
export const placeOf = (path: string): { readonly name: string; readonly folder: string } | undefined => {
  const match = /^packages\/([^/]+)\/([^/]+)/.exec(path)
  return match?.[1] && match[2] ? { name: match[1], folder: match[2] } : undefined
}
