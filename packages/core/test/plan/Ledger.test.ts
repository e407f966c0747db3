import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { HostPath, Ledger } from "../../src/index.ts"
import * as Generated from "./Generated.ts"

const empty = Ledger.empty("default", "1.0.0", "containerd")
const read = (text: string) => Result.getOrThrow(Ledger.decode(text))

describe("Ledger", () => {
  it("is read back from the host as it was written", () => {
    fc.assert(
      fc.property(Generated.ledger, (ledger) => {
        const text = Ledger.encode(ledger)
        assert.deepStrictEqual(read(text), ledger)
        assert.strictEqual(Ledger.encode(read(text)), text)
        assert.isTrue(text.endsWith("}\n"))
      }),
    )
  })

  it("has an entry of a component on one line, whatever its path looks like", () => {
    const entries: Ledger.OwnedComponent["entries"] = [
      'a\n "entries": []',
      '\n "components": []',
      "$&",
      "b",
    ].map((path, at) => ({ type: "file", path, sha256: "d", mode: 0o644, size: 1, changedMs: at + 0.25 }))
    const archive = { sha256: "d", size: 1, modifiedMs: 1 }
    const ledger = { ...empty, components: [{ name: "kernel", archive, entries }] }
    const text = Ledger.encode(ledger)
    assert.deepStrictEqual(read(text), ledger)
    const only = Ledger.encode({ ...empty, components: [{ name: "kernel", archive, entries: [] }] })
    assert.strictEqual(text.split("\n").length, only.split("\n").length + entries.length + 1)
  })

  it("of an early release has no times of files, and is read all the same", () => {
    const entry = { type: "file", path: "bin/shim", sha256: "d", mode: 0o755, size: 1 } as const
    const archive = { sha256: "d", size: 1, modifiedMs: 1 }
    const old = { ...empty, components: [{ name: "kernel", archive, entries: [entry] }] }
    assert.deepStrictEqual(read(JSON.stringify(old, null, 1)).components[0]?.entries, [entry])
  })

  for (const [what, text] of [
    ["of a later schema version", Ledger.encode(empty).replace('"schemaVersion": 1', '"schemaVersion": 2')],
    ["of another kind", Ledger.encode(empty).replace('"ledger"', '"plan"')],
    ["with a relative path", Ledger.encode(empty).replace('"directories": []', '"directories": ["opt"]')],
    [
      "with a path that leaves its place",
      Ledger.encode(empty).replace('"loaded": []', '"loaded": ["/opt/../etc"]'),
    ],
    ["cut short", Ledger.encode(empty).slice(0, -20)],
    ["of nothing", ""],
    ["of null", "null"],
  ] as const) {
    it(`refuses a text ${what}`, () => {
      assert.isTrue(Result.isFailure(Ledger.decode(text)))
    })
  }

  it("owns nothing when only directories are left", () => {
    assert.isTrue(Ledger.ownsNothing({ ...empty, directories: [HostPath.make("/opt")] }))
    fc.assert(
      fc.property(Generated.ledger, (ledger) => {
        const owned = ledger.components.length + ledger.files.length + ledger.edits.length
        assert.strictEqual(Ledger.ownsNothing(ledger), owned === 0)
      }),
    )
  })

  it("takes the chosen modes that it is given and keeps no others, none being no key at all", () => {
    const choice = { shim: "qemu", mode: "host-share", said: { snapshotter: "nydus" } } as const
    const chosen = Ledger.withModes(empty, [choice])
    assert.deepStrictEqual(read(Ledger.encode(chosen)).modes, [choice])
    assert.deepStrictEqual(Ledger.withModes(chosen, []), empty)
    // What is told apart by its text keeps its place in it.
    const reread = read(Ledger.encode(chosen))
    assert.isTrue(Ledger.isSame(reread, Ledger.withModes(reread, [choice]), () => undefined))
    assert.isFalse(Ledger.isSame(reread, Ledger.withModes(reread, []), () => undefined))
  })

  it("lies in the state directory", () => {
    assert.strictEqual(
      Ledger.pathIn(HostPath.make("/opt/kata/.kata-deploy")),
      "/opt/kata/.kata-deploy/ledger.json",
    )
  })

  describe("once settled", () => {
    const path = HostPath.make
    const archive = { sha256: "a", size: 1, modifiedMs: 1 }
    const entry = { type: "link", path: "bin/a", target: "b" } as const
    const planned: Ledger.Ledger = {
      ...empty,
      components: [
        { name: "fresh", archive, entries: [] },
        { name: "old", archive, entries: [entry] },
      ],
      directories: [path("/opt/z"), path("/opt/gone")],
    }
    const settled = Ledger.settle(planned, {
      extracted: new Map([["fresh", [entry, { type: "directory", path: "bin" }]]]),
      digests: new Map(),
      created: [path("/opt/a"), path("/opt/z")],
      gone: [path("/opt/gone")],
    })

    it("has what each unpacked component put down, without its directories", () => {
      assert.deepStrictEqual(
        settled.components.map((c) => c.entries),
        [[entry], [entry]],
      )
    })

    it("has each directory that we created once, and none that went", () => {
      assert.deepStrictEqual<ReadonlyArray<string>>(settled.directories, ["/opt/a", "/opt/z"])
    })

    it("says the same when nothing happened", () => {
      fc.assert(
        fc.property(Generated.ledger, (ledger) => {
          const same = Ledger.settle(ledger, {
            extracted: new Map(),
            digests: new Map(),
            created: [],
            gone: [],
          })
          assert.deepStrictEqual(same, { ...ledger, directories: [...new Set(ledger.directories)].sort() })
        }),
      )
    })
  })
})
