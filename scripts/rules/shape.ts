/**
 * Do files stay small, are they named after what they hold, and do all tests run?
 */
import {
  type Finding,
  identifier,
  isCode,
  isNode,
  lineOf,
  type Node,
  parse,
  type Rule,
  walk,
} from "./Source.ts"

const mostLines = 400
const emptyNames = /^(utils?|helpers?|commons?|managers?|misc)$/i
const unfinished = new Set(["skip", "only", "todo", "fails"])
const testFunctions = new Set(["it", "test", "describe", "suite"])

const isOurs = (path: string): boolean =>
  /^(packages\/[^/]+\/(src|test)|e2e|scripts|examples|bench)\//.test(path)

/** A file that needs a table of contents is two files. */
export const length: Rule = {
  name: "file-length",
  says: `no source or test file has more than ${mostLines} lines`,
  check: (files) =>
    files.flatMap((file) => {
      const lines = file.text.replace(/\n$/, "").split("\n").length
      return isCode(file) && isOurs(file.path) && lines > mostLines
        ? [{ path: file.path, message: `${lines} lines, ${mostLines} at most: split it by question` }]
        : []
    }),
}

/** A name that fits everything says nothing. */
export const names: Rule = {
  name: "names",
  says: "no file or folder is called utils, helpers, common or manager",
  check: (files) =>
    files.flatMap(({ path }) => {
      const bad = path
        .split("/")
        .map((part) => part.split(".")[0] ?? "")
        .find((part) => emptyNames.test(part))
      return isOurs(path) && bad !== undefined
        ? [{ path, message: `"${bad}" does not say what is in it` }]
        : []
    }),
}

/** True where a chain such as `it.effect.only` or `describe.each(cases).skip` leaves tests out. */
const switchedOff = (node: Node): boolean => {
  if (!unfinished.has(identifier(node["property"]) ?? "")) return false
  let at: unknown = node
  while (isNode(at) && (at.type === "MemberExpression" || at.type === "CallExpression"))
    at = at["object"] ?? at["callee"]
  return testFunctions.has(identifier(at) ?? "")
}

/** What is switched off is forgotten; what is alone hides the others. */
export const wholeTests: Rule = {
  name: "whole-tests",
  says: "no test is skipped, left to do, expected to fail or run alone",
  check: (files) =>
    files
      .filter((file) => isCode(file) && file.path.endsWith(".test.ts"))
      .flatMap((file) => {
        const found: Array<Finding> = []
        walk(parse(file).program, (node) => {
          if (node.type === "MemberExpression" && switchedOff(node))
            found.push({
              path: file.path,
              line: lineOf(file, node.start),
              message: `${file.text.slice(node.start, node.end)} leaves tests out`,
            })
        })
        return found
      }),
}
