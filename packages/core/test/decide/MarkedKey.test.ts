import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { MarkedKey, Toml } from "../../src/index.ts"

const table = ["plugins", "io.containerd.grpc.v1.cri", "containerd"]
const wanted = { table, key: "disable_snapshot_annotations", value: false, instance: "default" }
const header = '[plugins."io.containerd.grpc.v1.cri".containerd]'

const texts: Readonly<Record<string, string>> = {
  "a table without the key": `version = 2\n${header}\n  snapshotter = "overlayfs"\n`,
  "a table that says otherwise": `version = 2\n${header}\n  a = 1\n  disable_snapshot_annotations = true # mine\n`,
  "a table at the end, without a line break": `version = 2\n${header}`,
  "carriage returns": `version = 2\r\n  ${header} # mine\r\n  disable_snapshot_annotations = true\r\n[debug]\r\n`,
  "the same key of another table": `${header}\na = 1\n[other]\ndisable_snapshot_annotations = true\n`,
}

const valueIn = (text: string, ...path: ReadonlyArray<string>): unknown =>
  Toml.at(Result.getOrThrow(Toml.parse(text)), ...path)

describe("a marked key", () => {
  for (const [name, text] of Object.entries(texts)) {
    it(`is set in ${name}, and taken out again byte for byte`, () => {
      const after = MarkedKey.set(text, wanted)
      assert.strictEqual(valueIn(after, ...table, "disable_snapshot_annotations"), false)
      assert.strictEqual(MarkedKey.take(after, "default"), text)
    })
  }

  it("leaves the same key of another table alone", () => {
    const after = MarkedKey.set(texts["the same key of another table"]!, wanted)
    assert.strictEqual(valueIn(after, "other", "disable_snapshot_annotations"), true)
  })

  it("is not set where it is so already, or where the table has no header of its own", () => {
    const settled = `${header}\ndisable_snapshot_annotations = false\n`
    assert.strictEqual(MarkedKey.set(settled, wanted), settled)
    const without = "version = 2\n"
    assert.isFalse(MarkedKey.hasHeader(without, table))
    assert.strictEqual(MarkedKey.set(without, wanted), without)
  })

  it("of another instance stays", () => {
    const after = MarkedKey.set(texts["a table without the key"]!, wanted)
    assert.isUndefined(MarkedKey.take(after, "other"))
  })
})
