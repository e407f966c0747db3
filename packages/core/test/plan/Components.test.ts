/** Which components are unpacked, what is recorded of the others? What `ArtifactsStage` makes of it is tested there. */
import { assert, describe, it } from "@effect/vitest"
import { type Facts, Ledger } from "../../src/index.ts"
import * as Components from "../../src/plan/Components.ts"

const file = (path: string, changedMs: number) =>
  ({ type: "file", path, sha256: "d", mode: 0o755, size: 1, modifiedMs: 1, changedMs }) as const
const component = (name: string, ...entries: ReadonlyArray<Ledger.OwnedEntry>): Ledger.OwnedComponent => ({
  name,
  archive: { sha256: name, size: 1, modifiedMs: 1 },
  entries,
})
const before: Ledger.Ledger = {
  ...Ledger.empty("default", "1", "containerd"),
  components: [
    component("clh", file("bin/clh", 1)),
    component("kernel", file("a", 1), file("b", 1)),
    component("qemu", file("bin/qemu", 1)),
  ],
}
const unpacked: Facts.UnpackedFacts = {
  changed: new Map(),
  renewed: new Map([
    ["kernel", [file("b", 2)]],
    ["qemu", [file("bin/qemu", 2)]],
  ]),
}

describe("what is recorded of components", () => {
  const again = {
    name: "qemu",
    archive: "tarballs/qemu",
    id: { sha256: "newer", size: 1, modifiedMs: 1 },
    replaces: [],
  }
  const recorded = Components.recorded({ unpacked }, before, ["kernel", "qemu"], [again], [])

  it("has the times that intact files have now", () => {
    assert.deepStrictEqual(recorded[0], component("kernel", file("a", 1), file("b", 2)))
  })

  it("has nothing yet of those that are unpacked, and marks those that nobody asks for", () => {
    assert.deepStrictEqual(recorded[1], { name: "qemu", archive: again.id, entries: [] })
    assert.deepStrictEqual(recorded[2], { ...before.components[0]!, unused: true })
  })
})

describe("what an archive replaces", () => {
  const facts = (newer: ReadonlyArray<string>) => ({
    artifacts: {
      archives: new Map(
        ["kernel", "qemu"].map((name) => {
          const id = { sha256: newer.includes(name) ? null : name, size: 1, modifiedMs: 1 }
          return [name, { archive: name, id, unpackedBytes: 1 }] as const
        }),
      ),
      damaged: new Set<string>(),
    },
  })
  const shared: Ledger.Ledger = {
    ...before,
    components: [
      component("kernel", file("shared", 1), file("vmlinux", 1)),
      component("qemu", file("bin/qemu", 1), file("shared", 1)),
    ],
  }
  const replaced = (newer: ReadonlyArray<string>) =>
    Components.changed(facts(newer), shared, ["kernel", "qemu"], []).map(({ name, replaces }) => [
      name,
      replaces.map(({ path }) => path),
    ])

  it("is what came with it before, but for what a component that stays has as well", () => {
    assert.deepStrictEqual(replaced(["qemu"]), [["qemu", ["bin/qemu"]]])
    assert.deepStrictEqual(replaced(["kernel", "qemu"]), [
      ["kernel", ["shared", "vmlinux"]],
      ["qemu", ["bin/qemu", "shared"]],
    ])
  })
})
