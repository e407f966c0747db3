import { assert, describe, it } from "vitest"
import { tools } from "../tools.ts"
import { miniature } from "./Miniature.ts"

/** Runs a tool exactly as `npm run check` does, on planted sources. */
const judge = (name: string, planted: Record<string, string>) => {
  const tool = tools.find((each) => each.name === name)
  assert(tool)
  using copy = miniature(planted)
  return copy.run(tool.command, tool.args)
}

const fine = {
  "packages/core/src/index.ts": "/** The answer to it all. */\nexport const answer: number = 42\n",
  "packages/filesystem/src/index.ts":
    'import { answer } from "@kata-deploy/core"\n\nexport const twice: number = answer * 2\n',
  "packages/core/test/Answer.test.ts":
    'import { answer } from "../src/index.ts"\n\nexport const known: number = answer\n',
}

describe("every tool", () => {
  it.each(tools.map(({ name }) => name))("%s has no complaint about sound code", (name) => {
    const { output, status } = judge(name, fine)
    assert.strictEqual(status, 0, output)
  })
})

describe("types", () => {
  it("objects to each habit that the strict settings forbid", () => {
    const { output, status } = judge("types", {
      ...fine,
      "packages/core/src/Index.ts": "export const first = (all: Array<string>): string => all[0]\n",
      "packages/core/src/Optional.ts": "export const none: { name?: string } = { name: undefined }\n",
      "packages/core/src/Enum.ts": "export enum Colour { Red }\n",
      "packages/core/src/Ending.ts": 'export { first } from "./Index.js"\n',
      "packages/core/src/Platform.ts": "export const home = process.env\n",
      "packages/core/src/Document.ts": "export const body = document.body\n",
      "packages/core/test/Wrong.test.ts": "export const text: string = 42\n",
      "e2e/Wrong.test.ts": "export const text: string = 42\n",
      "examples/Wrong.ts": "export const text: string = 42\n",
      "scripts/Wrong.ts": "export const text: string = 42\n",
    })
    assert.notStrictEqual(status, 0)
    for (const place of [
      "core/src/Index.ts",
      "core/src/Optional.ts",
      "core/src/Enum.ts",
      "core/src/Ending.ts",
      "core/src/Platform.ts",
      "core/src/Document.ts",
      "core/test/Wrong.test.ts",
      "e2e/Wrong.test.ts",
      "examples/Wrong.ts",
      "scripts/Wrong.ts",
    ])
      assert.include(output, `${place}(1,`)
  })
})

describe("effect", () => {
  it("objects to an effect that is never run, and to try/catch around effects", () => {
    const { output, status } = judge("effect", {
      "packages/core/src/index.ts": [
        'import { Effect } from "effect"',
        "export const lost = Effect.gen(function* () {",
        '  Effect.log("nobody hears this")',
        "  try {",
        "    yield* Effect.void",
        "  } catch {}",
        "})",
        "",
      ].join("\n"),
    })
    assert.notStrictEqual(status, 0)
    assert.include(output, "floatingEffect")
    assert.include(output, "tryCatchInEffectGen")
  })
})

describe("lint", () => {
  const platform = {
    Builtin: 'import * as fs from "node:fs"\nexport const read = fs\n',
    Clock: "export const now = Date.now()\n",
    Console: "console.log(1)\n",
    Process: "export const id = process.pid\n",
    Chance: "export const dice = Math.random()\n",
    Timer: "setTimeout(() => 1, 1)\n",
    Global: "export const all = globalThis\n",
  }

  it.each(Object.entries(platform))("objects to the platform in the core: %s", (name, text) => {
    const { output, status } = judge("lint", { [`packages/core/src/${name}.ts`]: text })
    assert.notStrictEqual(status, 0)
    assert.include(output, `packages/core/src/${name}.ts:1:`)
  })

  it("lets adapters and tests use the platform", () => {
    const { output, status } = judge("lint", {
      "packages/filesystem/src/index.ts": platform.Builtin,
      "packages/core/test/Clock.test.ts": platform.Clock,
    })
    assert.strictEqual(status, 0, output)
  })

  it("objects to any, to comments that silence the compiler and to loose equality", () => {
    const { output, status } = judge("lint", {
      "packages/host/src/Loose.ts":
        "// @ts-ignore\nexport const same = (a: any, b: number): boolean => a == b\n",
    })
    assert.notStrictEqual(status, 0)
    for (const rule of ["ban-ts-comment", "no-explicit-any", "eqeqeq"]) assert.include(output, rule)
  })
})

describe("format", () => {
  it("objects to a file that oxfmt would write differently", () => {
    const { output, status } = judge("format", { "packages/core/src/index.ts": "export const   a='1';\n" })
    assert.notStrictEqual(status, 0)
    assert.include(output, "packages/core/src/index.ts")
  })

  it("leaves fixtures alone", () => {
    const { output, status } = judge("format", {
      ...fine,
      "packages/core/test/fixtures/odd.json": "{ 'a':1}",
    })
    assert.strictEqual(status, 0, output)
  })
})
