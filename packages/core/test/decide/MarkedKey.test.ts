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
  "tables of the same CRI around it": `[plugins."io.containerd.grpc.v1.cri".cni]\na = 1\n${header}\nb = 2\n`,
  "a list in front of the old value": `${header}\na = ["x"]\ndisable_snapshot_annotations = true\n`,
  "an indented table behind it": `${header}\n  [other]\n  disable_snapshot_annotations = true\n`,
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
      assert.isTrue(MarkedKey.hasHeader(text, table))
    })
  }

  it("leaves the same key of another table alone", () => {
    for (const name of ["the same key of another table", "an indented table behind it"]) {
      const after = MarkedKey.set(texts[name]!, wanted)
      assert.strictEqual(valueIn(after, "other", "disable_snapshot_annotations"), true, name)
      assert.notInclude(after, "# replaced", name)
    }
  })

  it("ends its line as the header does", () => {
    const after = MarkedKey.set(texts["carriage returns"]!, wanted)
    assert.notMatch(after, /[^\r]\n/)
    assert.notInclude(MarkedKey.set(texts["a table without the key"]!, wanted), "\r")
  })

  it("has no table in one that is written inline, or as a list", () => {
    for (const text of [
      `plugins."io.containerd.grpc.v1.cri".containerd = {} # [x]\n`,
      `[${header}]\n`,
      `# ${header}\n`,
      `[plugins."io.containerd.grpc.v1.cri"]\n`,
      `[plugins."io.containerd.grpc.v1.cri".cni]\n`,
      `${header.slice(0, -1)}.runtimes]\n`,
      "[broken\n",
    ]) {
      assert.isFalse(MarkedKey.hasHeader(text, table), text)
      assert.strictEqual(MarkedKey.set(text, wanted), text)
    }
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
