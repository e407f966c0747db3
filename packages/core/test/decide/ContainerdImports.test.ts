import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import * as SmolToml from "smol-toml"
import { ContainerdImports } from "../../src/index.ts"
import { rootFile, textOf } from "./ContainerdFiles.ts"

const ours = "/opt/kata/containerd/config.d/kata-deploy.toml"
const user = "/opt/kata/containerd/config.d/zz-kata-deploy-user.toml"

const add = (text: string, ...elements: ReadonlyArray<string>) =>
  Result.getOrThrow(ContainerdImports.add(text, elements))

const remove = (text: string, elements: ReadonlyArray<string>, region?: ContainerdImports.Region) =>
  Result.getOrThrow(ContainerdImports.remove(text, elements, region))

/** Meaning by a parser that has nothing to do with the code under test. */
const meaning = (text: string): Record<string, unknown> =>
  SmolToml.parse(text.replace(/^\uFEFF/, "").replace(/^\{\{[^\n]*\n/, ""))

const elementSets = fc.constantFrom([ours], [ours, user], ['/odd "quoted" \\ name.toml'])

describe("ContainerdImports", () => {
  it("puts the very bytes back when what it added is removed", () => {
    fc.assert(
      fc.property(rootFile, elementSets, (file, elements) => {
        const text = textOf(file)
        const added = add(text, ...elements)
        assert.notStrictEqual(added.text, text)
        assert.strictEqual(remove(added.text, elements, added.region), text)
      }),
      { numRuns: 150 },
    )
  })

  it("adds its elements behind those that are there and changes the meaning of nothing else", () => {
    fc.assert(
      fc.property(rootFile, elementSets, (file, elements) => {
        const before = meaning(textOf(file))
        const after = meaning(add(textOf(file), ...elements).text)
        const there = (before["imports"] as ReadonlyArray<string> | undefined) ?? []
        assert.deepStrictEqual(after["imports"], [...there, ...elements])
        assert.deepStrictEqual({ ...after, imports: there }, { ...before, imports: there })
      }),
      { numRuns: 150 },
    )
  })

  it("leaves every byte around the statement that sets imports as it is", () => {
    fc.assert(
      fc.property(rootFile, (file) => {
        const { text } = add(textOf(file), ours)
        if (file.imports === "") {
          const line = `imports = ["${ours}"]${text.includes("\r\n") ? "\r\n" : "\n"}`
          const at = text.indexOf(line)
          assert.isAtLeast(at, 0)
          assert.strictEqual(text.slice(0, at) + text.slice(at + line.length), textOf(file))
        } else {
          assert.isTrue(text.startsWith(file.before))
          assert.isTrue(text.endsWith(file.after))
        }
      }),
      { numRuns: 150 },
    )
  })

  it("records whole lines as the region, and only those that it changed", () => {
    fc.assert(
      fc.property(rootFile, elementSets, (file, elements) => {
        const text = textOf(file)
        const { region, text: after } = add(text, ...elements)
        const at = after.indexOf(region.after)
        assert.isTrue(at === 0 || after[at - 1] === "\n" || (at === 1 && after.startsWith("\uFEFF")))
        assert.strictEqual(after.slice(0, at) + region.before + after.slice(at + region.after.length), text)
        const end = at + region.after.length
        assert.isTrue(end === after.length || after[end - 1] === "\n")
      }),
    )
  })

  for (const [what, text, before] of [
    ["nothing for a line at the very start", "[a]\n", ""],
    ["nothing for a line between two others", "version = 2\n[a]\n", ""],
    [
      "one line behind a byte order mark, which stays outside",
      "\uFEFFimports = ['a']\n",
      "imports = ['a']\n",
    ],
    ["one line below others", "\uFEFFversion = 2\nimports = ['a']\n", "imports = ['a']\n"],
    ["the last member's line of an array over several lines", "imports = [\n  'a'\n]\n", "  'a'\n"],
  ] as const)
    it(`records as replaced ${what}`, () => {
      assert.strictEqual(add(text, ours).region.before, before)
    })

  it("adding twice is adding once", () => {
    fc.assert(
      fc.property(rootFile, elementSets, (file, elements) => {
        const once = add(textOf(file), ...elements)
        assert.deepStrictEqual(add(once.text, ...elements), {
          text: once.text,
          region: { before: "", after: "" },
        })
      }),
    )
  })

  it("takes out only what is ours after somebody edited other lines", () => {
    fc.assert(
      fc.property(rootFile, elementSets, fc.boolean(), (file, elements, front) => {
        const text = textOf(file)
        const newline = text.includes("\r\n") ? "\r\n" : "\n"
        const { region, text: added } = add(text, ...elements)
        // A table can only be appended where a line begins, in the empty file as well.
        const takesTable = [text, added].every((content) => content === "" || content.endsWith("\n"))
        const edit = (content: string) => {
          if (!front) return takesTable ? `${content}[foreign]${newline}x = 1` : content
          const start = /^(?:\uFEFF|\{\{[^\n]*\n)?/.exec(content)![0]
          return `${start}foreign = true${newline}${content.slice(start.length)}`
        }
        assert.strictEqual(remove(edit(added), elements, region), edit(text))
      }),
      { numRuns: 120 },
    )
  })

  it("takes out only what is ours after somebody edited the very array", () => {
    fc.assert(
      fc.property(rootFile, elementSets, (file, elements) => {
        const first = add(textOf(file), ...elements)
        const foreign = add(first.text, "/foreign.toml")
        const left = meaning(remove(foreign.text, elements, first.region))
        const before = meaning(textOf(file))
        const there = (before["imports"] as ReadonlyArray<string> | undefined) ?? []
        assert.deepStrictEqual(left["imports"], [...there, "/foreign.toml"])
        assert.deepStrictEqual({ ...left, imports: there }, { ...before, imports: there })
      }),
      { numRuns: 120 },
    )
  })

  it("keeps comments, and leaves valid TOML, when it removes without a record of the edit", () => {
    fc.assert(
      fc.property(rootFile, elementSets, (file, elements) => {
        const left = remove(add(textOf(file), ...elements).text, elements)
        const before = meaning(textOf(file))
        assert.deepStrictEqual(meaning(left), { ...before, imports: before["imports"] ?? [] })
        for (const remark of textOf(file).match(/#.*/g) ?? []) assert.include(left, remark)
      }),
      { numRuns: 150 },
    )
  })

  it("undoes two installs in either order", () => {
    fc.assert(
      fc.property(rootFile, fc.boolean(), (file, lastFirst) => {
        const text = textOf(file)
        const first = add(text, ours)
        const second = add(first.text, user)
        const left = lastFirst
          ? remove(remove(second.text, [user], second.region), [ours], first.region)
          : remove(remove(second.text, [ours], first.region), [user], second.region)
        if (lastFirst) assert.strictEqual(left, text)
        else {
          const before = meaning(text)
          assert.deepStrictEqual(meaning(left), { ...before, imports: before["imports"] ?? [] })
        }
      }),
    )
  })

  const layouts: ReadonlyArray<readonly [name: string, before: string, after: string]> = [
    ["an empty file", "", `imports = ["${ours}"]\n`],
    ["a file without final newline", "version = 2", `imports = ["${ours}"]\nversion = 2`],
    [
      "a root section that a table follows",
      "version = 2\n\n# about a\n[a]\n",
      `version = 2\nimports = ["${ours}"]\n\n# about a\n[a]\n`,
    ],
    [
      "a table whose comment stands right above it",
      "# head\n\n# about a\n[a]\n",
      `# head\n\nimports = ["${ours}"]\n# about a\n[a]\n`,
    ],
    ["a file with nothing but a remark", "# head\n", `# head\nimports = ["${ours}"]\n`],
    ["a remark without final newline", "# head", `imports = ["${ours}"]\n# head`],
    ["a remark below another, without final newline", "# a\n# b", `# a\nimports = ["${ours}"]\n# b`],
    ["a remark behind a byte order mark", "\uFEFF# head", `\uFEFFimports = ["${ours}"]\n# head`],
    ["a file whose first table is indented", "  [a]\n", `imports = ["${ours}"]\n  [a]\n`],
    [
      "a table whose indented comment stands right above it",
      "\n  # about a\n  [a]\n",
      `\nimports = ["${ours}"]\n  # about a\n  [a]\n`,
    ],
    [
      "an array whose lines end in another way than those below",
      "imports = [\n\t'a',\n]\r\n",
      `imports = [\n\t'a',\n\t"${ours}",\n]\r\n`,
    ],
    [
      "a file with keys that only look like it",
      "my_imports = []\nimports_of = []\n",
      `my_imports = []\nimports_of = []\nimports = ["${ours}"]\n`,
    ],
    [
      "an array whose last line has several",
      "imports = [\n\t'a', 'b'\n]\n",
      `imports = [\n\t'a', 'b',\n  "${ours}"\n]\n`,
    ],
    ["an empty array", "imports = [ ] # none\n", `imports = ["${ours}" ] # none\n`],
    ["an array on one line", "imports = ['a']\n", `imports = ['a', "${ours}"]\n`],
    [
      "an array over several lines with a comment",
      "imports = [\n  'a' # one\n]\n",
      `imports = [\n  'a', # one\n  "${ours}"\n]\n`,
    ],
    [
      "an array with a trailing comma",
      "imports = [\r\n\t'a',\r\n]\r\n",
      `imports = [\r\n\t'a',\r\n\t"${ours}",\r\n]\r\n`,
    ],
  ]
  for (const [name, before, after] of layouts) {
    it(`writes into ${name} as a person would`, () => {
      assert.strictEqual(add(before, ours).text, after)
    })
  }

  it("takes away a key that it created even when somebody wrote a line right behind it", () => {
    const { region, text } = add("version = 2\n[a]\n", ours)
    const edited = text.replace("]\n[a]", "] # kata\n# mine\n[a]")
    assert.strictEqual(remove(edited.replace(" # kata", ""), [ours], region), "version = 2\n# mine\n[a]\n")
    assert.strictEqual(remove(edited, [ours], region), "version = 2\nimports = [] # kata\n# mine\n[a]\n")
  })

  it("takes away a key that another install created, with its last element and no sooner", () => {
    const region = {
      before: "imports = ['a']\n",
      after: `imports = ['a', "${ours}"]\n`,
      createdKey: true,
    } as const
    assert.strictEqual(remove(`version = 2\nimports = ["${ours}"]\n`, [ours], region), "version = 2\n")
    assert.strictEqual(remove(region.after, [ours], region), region.before)
    const remark = (elements: string) => `imports = [${elements}] # not []\n`
    assert.strictEqual(remove(remark(`'a', "${ours}"`), [ours], region), remark("'a'"))
  })

  it("leaves a key that it created and that somebody wrote in another way since", () => {
    const { region } = add("", ours)
    assert.strictEqual(remove(`"imports" = ["${ours}"]\n`, [ours], region), '"imports" = []\n')
  })

  it("leaves a key that was there, even when it ends up empty", () => {
    const { region, text } = add("imports = []\n", ours)
    assert.strictEqual(remove(`${text.trimEnd()} # seen\n`, [ours], region), "imports = [] # seen\n")
  })

  it("does not put an older array back over elements that came later", () => {
    const { region, text } = add("imports = ['a']\n", ours)
    const later = text.replace("'a'", "'a', 'b'")
    assert.strictEqual(remove(later, [ours], region), "imports = ['a', 'b']\n")
  })

  it("removes every equal element, however it is quoted", () => {
    assert.strictEqual(remove(`imports = ['${ours}', 'a', "${ours}"]\n`, [ours]), "imports = ['a']\n")
  })

  const o = `"${ours}"`
  const withoutRecord: ReadonlyArray<readonly [name: string, before: string, after: string]> = [
    ["the only one", `[${o}]`, "[]"],
    ["the only one, with a comma", `[${o},]`, "[]"],
    ["the only one, with a comma and a blank", `[${o}, ]`, "[ ]"],
    ["the first", `[${o}, 'a']`, "['a']"],
    ["one in between", `['a', ${o}, 'b']`, "['a', 'b']"],
    ["one in between, without blanks", `['a',${o},'b']`, "['a','b']"],
    ["the last", `['a', ${o}]`, "['a']"],
    ["the last, with a comma", `['a', ${o},]`, "['a',]"],
    ["the only line", `[\n  ${o}\n]`, "[\n]"],
    ["the first line", `[\n  ${o},\n  'a'\n]`, "[\n  'a'\n]"],
    ["the last line", `[\n  'a', # one\n  ${o}\n]`, "[\n  'a' # one\n]"],
    ["the last line, with a comma", `[\n  'a',\n  ${o},\n]`, "[\n  'a',\n]"],
    ["a line, but not its remark,", `[\n  'a',\n  ${o}, # two\n  'b',\n]`, "[\n  'a',\n  # two\n  'b',\n]"],
    ["a part of a line", `[\n  'a', ${o}, 'b',\n]`, "[\n  'a', 'b',\n]"],
    ["the end of a line", `[\n  'a', ${o}\n]`, "[\n  'a'\n]"],
    ["the beginning of a line", `[\n  'a',\n  ${o}, 'b'\n]`, "[\n  'a',\n  'b'\n]"],
    ["one beside what is no name", `['a', ${o}, 1, [${o}]]`, `['a', 1, [${o}]]`],
  ]
  for (const [name, before, after] of withoutRecord) {
    it(`takes ${name} out of an array without a record of the edit`, () => {
      const rest = "\nversion = 2\n[a]\n"
      assert.strictEqual(remove(`imports = ${before}${rest}`, [ours]), `imports = ${after}${rest}`)
    })
  }

  it("leaves alone what only looks like the lines that it wrote", () => {
    const { region, text } = add("", ours)
    const twice = `x = """\n${text}"""\n`
    assert.strictEqual(remove(`${twice}${text}`, [ours], region), twice)
    assert.strictEqual(
      remove(`# ${text}imports = [${o}] # seen\n`, [ours], region),
      `# ${text}imports = [] # seen\n`,
    )
  })

  it("removes nothing where nothing is to be removed", () => {
    for (const text of [
      "",
      "version = 2",
      "imports = ['b']\n",
      "[a]\nimports = ['x']\n",
      "imports = 1\n",
      `imports = '"${ours}"'\n`,
    ]) {
      assert.strictEqual(remove(text, [ours], { before: "", after: "" }), text)
    }
  })

  it("removes our import from a file whose tables are broken", () => {
    const { region, text } = add("version = 2\n[a]\n", ours)
    assert.strictEqual(remove(`${text}= =\n`, [ours], region), "version = 2\n[a]\n= =\n")
    assert.strictEqual(remove(`${text}= =\n`, [ours]), "version = 2\nimports = []\n[a]\n= =\n")
  })

  it("refuses imports that is no array of names, dotted keys below it, and text that is no TOML", () => {
    for (const text of [
      "imports = 'a'\n",
      "imports = [1]\n",
      "imports = ['a', ['b']]\n",
      "imports = []\n[a]\n= =\n",
      "imports.a = 1\n",
      "version = \n",
      "a = 1\na = 2\n",
      '"\\u0069mports" = []\n',
    ]) {
      const refused = ContainerdImports.add(text, [ours])
      assert.isNotEmpty(Result.isFailure(refused) ? refused.failure.detail : "", text)
    }
  })

  it("says of an unreadable root section that nothing can be taken out", () => {
    assert.isTrue(Result.isFailure(ContainerdImports.remove("version = \n", [ours], undefined)))
  })
})
