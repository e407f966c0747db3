import { assert, describe, it } from "vitest"
import { documented } from "../rules/documentation.ts"

const judge = (files: Record<string, string>) =>
  documented
    .check(Object.entries(files).map(([path, text]) => ({ path: `packages/core/src/${path}`, text })))
    .map(({ line, path }) => `${path.split("/").at(-1)}:${line}`)

describe("documented-exports", () => {
  it("accepts an export with a full sentence", () => {
    assert.deepStrictEqual(judge({ "index.ts": "/** What it all means. */\nexport const a = 1\n" }), [])
  })

  it.each([
    "export const a = 1",
    "/** */ export const a = 1",
    "/** the thing */ export const a = 1",
    "/** @since 1.0 and it is a sentence. */ export const a = 1",
    "// This is what it means.\nexport const a = 1",
    "/** This belongs to something else. */\nconst b = 1\nexport const a = b",
    "export interface A {}",
    "export type A = string",
    "export class A {}",
    "export function a() {}",
    "const a = 1\nexport { a }",
    "const a = 1\nexport default a",
  ])("refuses %j", (text) => {
    assert.strictEqual(judge({ "index.ts": text }).length, 1)
  })

  it("follows every way in which an entry passes on what another file declares", () => {
    const found = judge({
      "index.ts": [
        'export * as Whole from "./Whole.ts"',
        'export * from "./Spread.ts"',
        'export { picked as renamed } from "./Picked.ts"',
        'import { carried } from "./Carried.ts"',
        "export { carried }",
      ].join("\n"),
      "Whole.ts": "export const a = 1\nexport const b = 2",
      "Spread.ts": "export const a = 1",
      "Picked.ts": "export const picked = 1\nexport const unseen = 2",
      "Carried.ts": "export const carried = 1\nexport const unseen = 2",
    })
    assert.deepStrictEqual(found, ["Whole.ts:1", "Whole.ts:2", "Spread.ts:1", "Picked.ts:1", "Carried.ts:1"])
  })

  it("looks at the doubles, which are an entry of their own", () => {
    assert.deepStrictEqual(judge({ "testing/index.ts": "export const a = 1" }), ["index.ts:1"])
  })

  it("does not ask for words about what nobody outside can reach", () => {
    const found = judge({ "index.ts": 'import "./Inner.ts"', "Inner.ts": "export const a = 1" })
    assert.deepStrictEqual(found, [])
  })

  it("lets a schema and its type share one description", () => {
    const text = "/** One of the words we know. */\nexport const Word = 1\nexport type Word = string\n"
    assert.deepStrictEqual(judge({ "index.ts": text }), [])
  })
})
