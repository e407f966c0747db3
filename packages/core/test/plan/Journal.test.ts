/** What is ours on a host where a stage was left half-done? */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Change, FileState, HostPath, Journal, Ledger } from "../../src/index.ts"

const path = HostPath.make
const empty = Ledger.empty("default", "1", "containerd")
const journal = (rest: Partial<Journal.Journal> = {}): Journal.Journal => ({
  schemaVersion: 1,
  kind: "journal",
  release: "2",
  instance: "default",
  stage: "cri",
  state: "begun",
  changes: [],
  before: null,
  after: empty,
  temporaryIn: [],
  ...rest,
})
const owned = (at: string, digest: string | null = "x"): Ledger.OwnedFile => ({
  path: path(at),
  stage: "cri",
  digest,
})
const component = (
  name: string,
  sha256: string,
  entries: ReadonlyArray<string> = [],
): Ledger.OwnedComponent => ({
  name,
  archive: { sha256, size: 1, modifiedMs: 1 },
  entries: entries.map((at) => ({ type: "link", path: at, target: "x" })),
})
const edit = (at: string, ...elements: ReadonlyArray<string>): Ledger.Edit => ({
  kind: "import",
  path: path(at),
  elements,
  createdFile: false,
  region: { before: "", after: "" },
})
const recovered = (
  ledger: Ledger.Ledger | undefined,
  of: Journal.Journal,
  tree: Readonly<Record<string, FileState.FileState>> = {},
) => {
  const found = Journal.recovered(ledger, of, (at) => tree[at] ?? FileState.absent)
  assert(found !== undefined)
  return found
}

describe("a journal", () => {
  it("is read as it was written, and may be read by nobody else", () => {
    const written = Journal.encode(journal({ before: empty, temporaryIn: [path("/opt")] }))
    assert(written._tag === "File")
    assert.strictEqual(written.mode, 0o600)
    assert.deepStrictEqual(
      Result.getOrThrow(Journal.decode(written.text)),
      journal({ before: empty, temporaryIn: [path("/opt")] }),
    )
    assert.isTrue(
      Result.isFailure(Journal.decode(written.text.replace('"schemaVersion":1', '"schemaVersion":2'))),
    )
    assert.isTrue(Result.isFailure(Journal.decode("{")))
  })

  it("lies in a directory of its own, one for each stage", () => {
    assert.strictEqual<string>(Journal.pathIn(path("/s"), "cri"), "/s/journal/cri.json")
    assert.strictEqual<string>(Journal.directoryIn(path("/s")), "/s/journal")
  })

  it("knows temporary files by their whole name", () => {
    for (const [name, is] of [
      [".kata-deploy-a.tmp", true],
      [".kata-deploy-.tmp", false],
      ["x.kata-deploy-a.tmp", false],
      [".kata-deploy-a.tmp.x", false],
      [".kata-deploy-a", false],
    ] as const)
      assert.strictEqual(Journal.isTemporary(name), is, name)
  })

  it("of an install settles that of the undoing, and the other way round", () => {
    for (const stage of Journal.stages) {
      assert.notInclude(Journal.settledBy[stage], stage)
      for (const other of Journal.settledBy[stage])
        if (stage !== "remove-artifacts" || other === "artifacts")
          assert.include(Journal.settledBy[other as typeof stage], stage)
    }
    assert.sameMembers([...Journal.settledBy["remove-artifacts"]], ["artifacts", "cri", "revert-cri"])
  })
})

describe("a stage that was left half-done", () => {
  it("leaves the ledger as it was where it was about to remove it", () => {
    assert.strictEqual(
      Journal.recovered(empty, journal({ after: null }), () => FileState.absent),
      empty,
    )
    assert.isUndefined(Journal.recovered(undefined, journal({ after: null }), () => FileState.absent))
  })

  it("goes by the ledger on the host, else by the one before, else by nothing but what it was to write", () => {
    const [there, before, after] = ["host", "before", "after"].map((release) => ({ ...empty, release })) as [
      Ledger.Ledger,
      Ledger.Ledger,
      Ledger.Ledger,
    ]
    assert.strictEqual(recovered(there, journal({ before, after })).release, "host")
    assert.strictEqual(recovered(undefined, journal({ before, after })).release, "before")
    const fresh = recovered(
      undefined,
      journal({
        after: { ...after, startedWith: "x", files: [owned("/a")], components: [component("q", "1")] },
      }),
    )
    assert.deepStrictEqual([fresh.release, fresh.startedWith, fresh.components], ["after", null, []])
    assert.deepStrictEqual(fresh.files, [owned("/a", null)])
  })

  it("has the handlers and directories of both, each once, and the runtime that was meant", () => {
    const both = recovered(
      { ...empty, handlers: ["a", "b"], directories: ["/z", "/a"].map(path), loaded: [path("/old")] },
      journal({
        after: {
          ...empty,
          runtime: "k3s",
          handlers: ["b", "c"],
          directories: ["/m", "/a"].map(path),
          loaded: [path("/new")],
        },
      }),
    )
    assert.deepStrictEqual(
      [both.handlers, both.runtime, both.loaded],
      [["a", "b", "c"], "k3s", [path("/new")]],
    )
    assert.deepStrictEqual(both.directories, ["/a", "/m", "/z"].map(path))
    assert.notProperty(both, "restarting")
    const restarting = { with: "d", since: null }
    assert.deepStrictEqual(
      recovered(empty, journal({ after: { ...empty, restarting } })).restarting,
      restarting,
    )
  })

  it("owns the files of both, and does not know what is in those that it was to write", () => {
    const found = recovered(
      { ...empty, files: [owned("/same"), owned("/other"), owned("/gone")] },
      journal({ after: { ...empty, files: [owned("/same"), owned("/other", "y"), owned("/new", "z")] } }),
    )
    assert.deepStrictEqual(found.files, [
      owned("/same"),
      owned("/other", null),
      owned("/gone"),
      owned("/new", null),
    ])
  })

  it("that puts artifacts down brings nothing back that the CRI runtime's stage answers for", () => {
    const artifact: Ledger.OwnedFile = { ...owned("/opt/kata/a"), stage: "artifacts" }
    const after: Ledger.Ledger = {
      ...empty,
      handlers: ["kata"],
      loaded: [path("/d")],
      files: [artifact, owned("/d")],
      edits: [edit("/m", "/d")],
    }
    const of = (ledger: Ledger.Ledger | undefined) => {
      const { edits, files, handlers, loaded } = recovered(ledger, journal({ stage: "artifacts", after }))
      return { edits: edits.length, files: files.map((file) => file.path), handlers, loaded }
    }
    const own = { edits: 0, files: [artifact.path], handlers: [], loaded: [] }
    assert.deepStrictEqual(of(empty), own)
    // Where nothing was written down yet, it is all that is known, as of an install that was taken over.
    assert.deepStrictEqual(of(undefined), {
      edits: 1,
      files: [artifact.path, path("/d")],
      handlers: ["kata"],
      loaded: [path("/d")],
    })
  })

  it("has to unpack again what it was unpacking, and keeps the entries of either", () => {
    const before = [
      component("same", "1", ["a"]),
      component("newer", "1", ["a", "b"]),
      component("gone", "1"),
    ]
    const after = [component("same", "1"), component("newer", "2", ["b", "c"]), component("new", "1", ["d"])]
    const of = (stage: Journal.Journal["stage"]) =>
      recovered({ ...empty, components: before }, journal({ stage, after: { ...empty, components: after } }))
        .components
    const [same, newer, fresh, gone, ...more] = of("artifacts")
    assert.deepStrictEqual([same, gone, more], [before[0], before[2], []])
    assert.deepStrictEqual(
      newer!.entries.map((e) => e.path),
      ["b", "c", "a"],
    )
    assert.deepStrictEqual(
      fresh!.entries.map((e) => e.path),
      ["d"],
    )
    for (const { archive } of [newer!, fresh!]) assert.notInclude(["1", "2"], archive.sha256)
    assert.deepStrictEqual(of("cri"), before)
  })

  it("has to unpack again what is recorded whole, where an interrupted run put something else down", () => {
    const file = (at: string, sha256: string): Ledger.OwnedEntry => ({
      type: "file",
      path: at,
      sha256,
      mode: 0o755,
      size: 1,
    })
    const of = (sha256: string, entries: ReadonlyArray<Ledger.OwnedEntry>) => {
      const archive = { sha256, size: 1, modifiedMs: 1 }
      return { ...empty, components: [{ name: "qemu", archive, entries }] }
    }
    const paths = (ledger: Ledger.Ledger) => ledger.components[0]!.entries.map((entry) => entry.path)
    const was = of("1", [file("a", "1"), file("b", "1")])
    for (const after of [of("1", []), of("1", [file("b", "1")])])
      assert.deepStrictEqual(
        recovered(was, journal({ stage: "artifacts", after })).components,
        was.components,
      )
    for (const other of [file("c", "1"), file("b", "2")]) {
      const found = recovered(was, journal({ stage: "artifacts", after: of("1", [other]) }))
      assert.sameMembers(paths(found), [...new Set(["a", "b", other.path])])
      assert.notStrictEqual(found.components[0]!.archive.sha256, "1")
    }
  })

  it("keeps what an earlier run that died may have put down, in the components that it goes on with", () => {
    const earlier = { ...empty, components: [component("q", "1", ["a", "b"]), component("gone", "1", ["c"])] }
    const now = { ...empty, components: [component("q", "2", ["b"]), component("k", "1", ["d"])] }
    assert.deepStrictEqual(
      Journal.withEntriesOf(now, earlier).components.map(({ archive, entries }) => [
        archive.sha256,
        entries.map((entry) => entry.path),
      ]),
      [
        ["2", ["b", "a"]],
        ["1", ["d"]],
      ],
    )
    assert.strictEqual(Journal.withEntriesOf(now, now).components[0], now.components[0])
  })

  it("counts an edit as made, unless its file is still as it was before and an earlier edit is in it", () => {
    const was = FileState.file("was")
    const change = Change.make(path("/m"), was, FileState.file("is"))
    const edits = (
      before: ReadonlyArray<Ledger.Edit>,
      after: ReadonlyArray<Ledger.Edit>,
      there: FileState.FileState,
      changes: ReadonlyArray<Change.Change> = [change],
    ) =>
      recovered({ ...empty, edits: before }, journal({ changes, after: { ...empty, edits: after } }), {
        "/m": there,
      }).edits
    const [old, now] = [edit("/m", "old"), edit("/m", "now")]
    assert.deepStrictEqual(edits([old], [now], was), [old])
    assert.deepStrictEqual(edits([old], [now], FileState.file("is")), [now])
    assert.deepStrictEqual(edits([old], [now], was, []), [now])
    assert.deepStrictEqual(edits([], [now], was), [now])
    assert.deepStrictEqual(edits([old], [], FileState.file("is")), [old])
    const twice = [Change.make(path("/m"), FileState.absent, was), change]
    assert.deepStrictEqual(edits([old], [now], was, twice), [old])
    const elsewhere = edit("/n", "x")
    assert.deepStrictEqual(edits([elsewhere], [now], FileState.file("is")), [elsewhere, now])
  })
})
