/** When is a planned ledger the one on the host, and what is a ledger that cannot be read? */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { FileState, HostPath, Ledger } from "../../src/index.ts"

const path = HostPath.make
const before: Ledger.Ledger = {
  ...Ledger.empty("default", "1", "containerd"),
  handlers: ["kata-qemu"],
  files: [
    { path: path("/a"), stage: "cri", digest: "aa" },
    { path: path("/b"), stage: "artifacts", digest: "bb" },
  ],
  components: [
    {
      name: "qemu",
      archive: { sha256: "q", size: 1, modifiedMs: 1 },
      entries: [{ type: "link", path: "bin/qemu", target: "x" }],
    },
  ],
  directories: ["/opt", "/opt/x"].map(path),
}
const planned: Ledger.Ledger = { ...before, files: before.files.map((file) => ({ ...file, digest: null })) }
const digests = (at: HostPath.HostPath) => ({ "/a": "aa", "/b": "bb" })[at as string]

describe("a planned ledger", () => {
  it("is the one on the host where paths and digests are the same", () => {
    assert.isTrue(Ledger.isSame(before, planned, digests))
    assert.isTrue(Ledger.isSame(before, before, () => undefined))
    const reread = Result.getOrThrow(Ledger.decode(Ledger.encode(before)))
    assert.isTrue(Ledger.isSame(reread, planned, digests))
  })

  const [first, second] = planned.files as readonly [Ledger.OwnedFile, Ledger.OwnedFile]
  const [qemu] = planned.components as readonly [Ledger.OwnedComponent]
  for (const [what, other] of [
    ["a handler", { ...planned, handlers: ["kata-clh"] }],
    ["a file less", { ...planned, files: [first] }],
    ["a file more", { ...planned, files: [first, second, { ...first, path: path("/c") }] }],
    ["another path", { ...planned, files: [first, { ...second, path: path("/c") }] }],
    [
      "a file that is not used any more",
      { ...planned, files: [first, { ...second, unused: true as const }] },
    ],
    ["another stage of a file", { ...planned, files: [{ ...first, stage: "artifacts" as const }, second] }],
    ["a component less", { ...planned, components: [] }],
    ["another archive", { ...planned, components: [{ ...qemu, archive: { ...qemu.archive, sha256: "r" } }] }],
    [
      "a component that is not used any more",
      { ...planned, components: [{ ...qemu, unused: true as const }] },
    ],
    ["an entry less", { ...planned, components: [{ ...qemu, entries: [] }] }],
    [
      "another entry",
      {
        ...planned,
        components: [{ ...qemu, entries: [{ type: "link", path: "bin/qemu", target: "y" } as const] }],
      },
    ],
    [
      "another time of an archive",
      { ...planned, components: [{ ...qemu, archive: { ...qemu.archive, modifiedMs: 2 } }] },
    ],
    ["another release", { ...planned, release: "2" }],
  ] as const) {
    it(`is another one with ${what}`, () => {
      assert.isFalse(Ledger.isSame(before, other, digests))
    })
  }

  it("is another one with another digest, and digests nothing where that is plain before", () => {
    assert.isFalse(Ledger.isSame(before, planned, () => "other"))
    let asked = 0
    const counting = (at: HostPath.HostPath) => {
      asked += 1
      return digests(at)
    }
    Ledger.isSame(before, { ...planned, release: "2" }, counting)
    Ledger.isSame(before, { ...planned, files: [first] }, counting)
    assert.strictEqual(asked, 0)
  })

  it("keeps digests that are known, and leaves out those that nobody knows", () => {
    const known = Ledger.withDigests({ ...planned, files: [{ ...first, digest: "kept" }, second] }, (at) =>
      at === "/a" ? "other" : undefined,
    )
    assert.deepStrictEqual(
      known.files.map((f) => f.digest),
      ["kept", null],
    )
  })
})

describe("a ledger after its stage", () => {
  it("has the directories that were made, without those that went, each once and sorted", () => {
    const settled = Ledger.settle(before, {
      extracted: new Map(),
      digests: new Map(),
      created: ["/opt", "/a"].map(path),
      gone: [path("/opt/x")],
    })
    assert.deepStrictEqual(settled.directories, ["/a", "/opt"].map(path))
  })

  it("has what components put down, without their directories; others stay as they were", () => {
    const put: ReadonlyArray<Ledger.OwnedEntry> = [
      { type: "directory", path: "bin" },
      { type: "link", path: "bin/new", target: "x" },
    ]
    const of = (name: string) =>
      Ledger.settle(before, { extracted: new Map([[name, put]]), digests: new Map(), created: [], gone: [] })
        .components[0]!.entries
    assert.deepStrictEqual(of("qemu"), [put[1]!])
    assert.deepStrictEqual(of("clh"), before.components[0]!.entries)
  })
})

describe("what is at a ledger's path", () => {
  it("is a ledger, nothing, or something that may be one, with the reason", () => {
    assert.deepStrictEqual(Ledger.from(FileState.file(Ledger.encode(before))), {
      _tag: "Read",
      ledger: before,
    })
    assert.deepStrictEqual(Ledger.from(FileState.absent), { _tag: "None" })
    const why = (state: FileState.FileState) => {
      const read = Ledger.from(state)
      return read._tag === "Unreadable" ? read.why : read._tag
    }
    assert.strictEqual(why({ _tag: "Unreadable", why: "denied", detail: "no permission" }), "no permission")
    assert.strictEqual(why(FileState.link("x")), "it is a link")
    assert.strictEqual(why(FileState.directory()), "it is a directory")
    assert.include(why(FileState.file("{}")), "no ledger")
  })
})

describe("what a ledger owns", () => {
  it("is nothing only without components, files and edits, and where no directory was taken over", () => {
    const none = { ...before, components: [], files: [] }
    assert.isTrue(Ledger.ownsNothing(none))
    assert.isFalse(Ledger.ownsNothing({ ...none, files: before.files }))
    assert.isFalse(Ledger.ownsNothing({ ...none, components: before.components }))
    assert.isFalse(Ledger.ownsNothing({ ...none, adopted: "everything" }))
    const block: Ledger.Edit = { kind: "block", path: path("/m"), createdFile: false, block: "x" }
    assert.isFalse(Ledger.ownsNothing({ ...none, edits: [block] }))
  })
})
