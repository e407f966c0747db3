import { assert, describe, it } from "vitest"
import { apart, core, declared, platform, snapshots } from "../rules/dependencies.ts"
import { length, names, wholeTests } from "../rules/shape.ts"
import { stable, stableEffect } from "../rules/stability.ts"
import type { Rule } from "../rules/Source.ts"

/** The findings of a rule over planted files, as `path:line`. */
const places = (rule: Rule, files: Record<string, string>): ReadonlyArray<string> =>
  rule
    .check(Object.entries(files).map(([path, text]) => ({ path, text })))
    .map(({ line, path }) => (line === undefined ? path : `${path}:${line}`))

describe("core-imports", () => {
  it.each([
    'import { readFileSync } from "node:fs"',
    'import type { Stats } from "fs"',
    'export * from "@effect/platform-node"',
    'const later = () => import("yaml")',
    'type Later = import("yaml").Document',
    'import "../../filesystem/src/index.ts"',
    'import { x } from "effect-something"',
  ])("refuses %s", (line) => {
    assert.deepStrictEqual(places(core, { "packages/core/src/A.ts": `\n${line}\n` }), [
      "packages/core/src/A.ts:2",
    ])
  })

  it("accepts the core itself, Effect, toml-patch and the hashes", () => {
    const text = [
      'import { Effect } from "effect"',
      'import * as Schema from "effect/Schema"',
      'import { patch } from "toml-patch"',
      'import { sha256 } from "@noble/hashes/sha2.js"',
      'import { a } from "../model/A.ts"',
    ].join("\n")
    assert.deepStrictEqual(places(core, { "packages/core/src/plan/B.ts": text }), [])
  })

  it("says nothing about tests, which may use what they like", () => {
    assert.deepStrictEqual(places(core, { "packages/core/test/A.test.ts": 'import "node:fs"' }), [])
  })
})

describe("snapshots-imports", () => {
  it.each(['import "node:fs"', 'import "@kata-deploy/host"', 'import "../../core/src/index.ts"'])(
    "refuses %s",
    (line) => {
      assert.deepStrictEqual(places(snapshots, { "packages/snapshots/src/A.ts": `${line}\n` }), [
        "packages/snapshots/src/A.ts:1",
      ])
    },
  )

  it("accepts the tables themselves, the core and Effect, and says nothing about tests", () => {
    const text = 'import "@kata-deploy/core"\nimport "effect/encoding/Base64"\nimport "./B.ts"\n'
    assert.deepStrictEqual(
      places(snapshots, {
        "packages/snapshots/src/A.ts": text,
        "packages/snapshots/test/A.test.ts": 'import "node:fs"',
      }),
      [],
    )
  })
})

describe("adapters-apart", () => {
  it("refuses an adapter that imports another by name or by path", () => {
    const found = places(apart, {
      "packages/filesystem/src/A.ts": 'import "@kata-deploy/host"',
      "packages/host/src/A.ts": 'import "../../kubernetes/src/index.ts"',
      "packages/kubernetes/test/A.test.ts": 'import "@kata-deploy/cli"',
    })
    assert.strictEqual(found.length, 3)
  })

  it("accepts the core, its doubles and the adapter itself", () => {
    const text = 'import "@kata-deploy/core"\nimport "@kata-deploy/core/testing"\nimport "./B.ts"\n'
    assert.deepStrictEqual(places(apart, { "packages/host/src/A.ts": text }), [])
  })
})

describe("platform-in-cli", () => {
  it("refuses @effect/platform-node outside of the program", () => {
    const text = 'import * as NodeServices from "@effect/platform-node/NodeServices"'
    assert.deepStrictEqual(places(platform, { "packages/host/src/A.ts": text }), ["packages/host/src/A.ts:1"])
    assert.deepStrictEqual(places(platform, { "packages/cli/src/A.ts": text }), [])
  })
})

describe("declared-dependencies", () => {
  const manifest = JSON.stringify({ name: "@kata-deploy/host", dependencies: { effect: "4.1.0" } })

  it("refuses an import that the package does not list", () => {
    const found = places(declared, {
      "packages/host/package.json": manifest,
      "packages/host/src/A.ts": 'import "node:fs"\nimport "effect/Schema"\nimport "yaml"\n',
    })
    assert.deepStrictEqual(found, ["packages/host/src/A.ts:3"])
  })
})

describe("effect-stable", () => {
  const tag = (stability: string) => `/**\n * Text.\n *\n * @stability ${stability}\n * @since 4.0.0\n */\n`
  const effect: Record<string, string> = {
    "index.ts":
      `${tag("stable")}\nexport {\n  ${tag("stable")}  pipe\n} from "./Function.ts"\n` +
      `${tag("stable")}export * as Box from "./Box.ts"\n${tag("unstable")}export * as Lab from "./Lab.ts"\n`,
    "Box.ts":
      `${tag("stable")}import * as X from "./X.ts"\n${tag("stable")}export const make = 1\n` +
      `${tag("stable")}export interface Old {}\n${tag("unstable")}export function fresh() {}\n` +
      `${tag("experimental")}export const Old: Old = {}\nexport const bare = 1\n`,
    "Lab.ts": `${tag("unstable")}import * as X from "./X.ts"\n${tag("stable")}export const make = 1\n`,
  }
  const rule = stableEffect((path) => effect[path])
  const judge = (text: string) =>
    rule.check([{ path: "packages/core/src/A.ts", text }]).map(({ message }) => message)

  it("accepts what is tagged stable", () => {
    assert.deepStrictEqual(judge('import { Box, pipe } from "effect"\npipe(Box.make)\n'), [])
  })

  it.each([
    ['import { Box } from "effect"\nBox.fresh()', "Box.fresh is tagged unstable"],
    ['import { Box as B } from "effect"\nB.fresh()', "Box.fresh is tagged unstable"],
    ['import * as B from "effect/Box"\nB.fresh()', "Box.fresh is tagged unstable"],
    ['import { fresh } from "effect/Box"', "Box.fresh is tagged unstable"],
    ['export { fresh } from "effect/Box"', "Box.fresh is tagged unstable"],
    ['import type { Box } from "effect"\nexport type A = Box.Old', "Box.Old is tagged experimental"],
    ['import { Lab } from "effect"', "effect.Lab is tagged unstable"],
    ['import * as Lab from "effect/Lab"', "effect/Lab is tagged unstable"],
    ['import { Box } from "effect"\nBox.bare', "no stability is known for Box.bare"],
    ['import { Nothing } from "effect"', "no stability is known for effect.Nothing"],
  ])("refuses %j", (text, message) => {
    assert.deepStrictEqual(judge(text), [message])
  })

  it("knows the tags of the Effect that is installed", () => {
    const found = places(stable, {
      "packages/core/src/A.ts": [
        'import { Effect, Schema, Context, FileSystem } from "effect"',
        "export const a = Effect.gen(function* () {})",
        "export const b = Schema.Struct({})",
        "export const c = Schema.ByteSize",
        "export class D extends Context.Service<D, {}>()('D') {}",
        'import * as TextDiff from "effect/TextDiff"',
      ].join("\n"),
    })
    assert.deepStrictEqual(found.toSorted(), [
      "packages/core/src/A.ts:1",
      "packages/core/src/A.ts:4",
      "packages/core/src/A.ts:6",
    ])
  })
})

describe("file-length", () => {
  it("refuses the first line beyond 400", () => {
    const lines = (count: number) => "a\n".repeat(count)
    assert.deepStrictEqual(places(length, { "packages/core/src/A.ts": lines(400) }), [])
    assert.deepStrictEqual(places(length, { "packages/core/src/A.ts": lines(401) }), [
      "packages/core/src/A.ts",
    ])
    assert.deepStrictEqual(places(length, { "e2e/A.test.ts": lines(401) }), ["e2e/A.test.ts"])
  })
})

describe("names", () => {
  it.each([
    "packages/core/src/utils.ts",
    "packages/core/src/helpers/Text.ts",
    "packages/cli/test/common.test.ts",
    "scripts/Manager.ts",
  ])("refuses %s", (path) => {
    assert.deepStrictEqual(places(names, { [path]: "" }), [path])
  })

  it("accepts a name that only contains such a word", () => {
    assert.deepStrictEqual(places(names, { "packages/core/src/CommonName.ts": "" }), [])
  })
})

describe("whole-tests", () => {
  it.each([
    "it.skip('a', () => {})",
    "it.effect.only('a', () => x)",
    "describe.todo('a')",
    "test.fails('a', () => {})",
    "describe.each([1]).only('a', () => {})",
  ])("refuses %s", (text) => {
    assert.strictEqual(places(wholeTests, { "packages/core/test/A.test.ts": text }).length, 1)
  })

  it("accepts other uses of the words, and tests that need what the machine lacks", () => {
    const text = "list.skip(1)\nit('only', () => {})\nit.skipIf(!isRoot)('a', () => {})\n"
    assert.deepStrictEqual(places(wholeTests, { "packages/core/test/A.test.ts": text }), [])
  })
})
