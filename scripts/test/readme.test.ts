import { spawnSync } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import process from "node:process"
import { assert, describe, it } from "vitest"
import { tools } from "../tools.ts"
import { rules } from "../rules/index.ts"
import { root } from "./Miniature.ts"

const read = (path: string) => readFileSync(join(root, path), "utf8")
const blocks = (text: string, language: string) =>
  [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].flatMap(([, of, code]) => (of === language ? [code] : []))

describe("the README", () => {
  it("gives a newcomer two commands of one line each", () => {
    assert.deepStrictEqual(blocks(read("README.md"), "sh"), [
      "npm ci && npx kata-deploy try\n",
      "npm ci && npm test\n",
    ])
  })

  it("shows an example of the library that is in the repository and runs", () => {
    const example = "examples/changes-are-data.ts"
    assert.deepStrictEqual(blocks(read("README.md"), "ts"), [read(example)])
    const { status, stderr, stdout } = spawnSync(process.execPath, ["--conditions=source", example], {
      cwd: root,
      encoding: "utf8",
    })
    assert.strictEqual(status, 0, stderr)
    assert.strictEqual(stdout, "containerd 2.1: Absent -> File\ntaken back: Absent\n")
  })
})

describe("the documents", () => {
  const documents = globSync(["*.md", "docs/**/*.md"], { cwd: root })

  it.each(documents)("%s links only to files that are there", (path) => {
    const links = [...read(path).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, link]) => link ?? "")
    const missing = links.filter((link) => globSync(join(dirname(path), link), { cwd: root }).length === 0)
    assert.deepStrictEqual(missing, [])
  })

  it("name only npm scripts, rules and test projects that exist", () => {
    const text = documents.map(read).join("\n")
    const { scripts } = JSON.parse(read("package.json"))
    const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name)
    assert.deepStrictEqual(
      named.filter((name) => name !== undefined && !(name in scripts)),
      [],
    )
    const known = [...tools, ...rules].map(({ name }) => name)
    const checked = [...text.matchAll(/npm run check -- ([a-z -]+)/g)].flatMap(([, names = ""]) =>
      names.split(" "),
    )
    assert.deepStrictEqual(
      checked.filter((name) => !known.includes(name)),
      [],
    )
  })
})
