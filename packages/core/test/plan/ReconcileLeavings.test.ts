/** What of ours goes, what keeps its manners, and what is in the way? */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Desired, FileState, HostPath, Ledger, Ownership } from "../../src/index.ts"
import { put, step } from "../../src/plan/Plan.ts"
import * as Change from "../../src/plan/Change.ts"
import * as Reconcile from "../../src/plan/Reconcile.ts"

const path = HostPath.make
const empty = Ledger.empty("default", "1", "containerd")
const ours = FileState.file("ours")
const unreadable: FileState.FileState = { _tag: "Unreadable", why: "denied", detail: "no permission" }

type Tree = Readonly<Record<string, FileState.FileState>>

const reconcile = (given: Partial<Reconcile.ReconcileInput> & { readonly tree: Tree }) =>
  Reconcile.reconcile({
    stage: "cri",
    desired: [],
    ledger: empty,
    look: (at) => given.tree[at] ?? (at === "/etc" ? FileState.directory() : FileState.absent),
    ...given,
  })
const done = (...given: Parameters<typeof reconcile>) => Result.getOrThrow(reconcile(...given))
const problems = (...given: Parameters<typeof reconcile>) =>
  Result.getOrThrow(Result.flip(reconcile(...given))).problems
const changes = (steps: Reconcile.Reconciled["puts"]) =>
  steps.flatMap(({ action }) => (action._tag === "Put" ? [action.change] : []))

const owned = (at: string, rest: Partial<Ledger.OwnedFile> = {}): Ledger.OwnedFile => ({
  path: path(at),
  stage: "cri",
  digest: Ownership.digestOf(ours),
  ...rest,
})
const wanted = (at: string, state: FileState.FileState = ours) => Desired.make(path(at), state, "wanted")
const edit = (at: string): Ledger.Edit => ({
  kind: "import",
  path: path(at),
  elements: ["/x.toml"],
  createdFile: false,
  region: { before: "", after: 'imports = ["/x.toml"]\n' },
})

describe("a file that is written anew", () => {
  const owner = { uid: 7, gid: 8 }
  const there = { ...FileState.file("older", 0o600), owner } as FileState.FileState
  const after = (desired: Desired.Desired) =>
    changes(
      done({ tree: { "/etc/x": there }, desired: [desired], ledger: { ...empty, files: [owned("/etc/x")] } })
        .puts,
    )[0]?.after

  it("keeps its owner, and its mode only where it is edited", () => {
    assert.deepStrictEqual(after(wanted("/etc/x")), { ...ours, owner } as FileState.FileState)
    assert.deepStrictEqual(after(Desired.edited(edit("/etc/x"), ours, "edited")), {
      ...FileState.file("ours", 0o600),
      owner,
    } as FileState.FileState)
  })

  it("has no owner where none was seen, and none is given to a link", () => {
    assert.deepStrictEqual(after(wanted("/etc/x", FileState.link("y"))), FileState.link("y"))
    const plain = done({
      tree: { "/etc/x": FileState.file("older") },
      desired: [wanted("/etc/x")],
      ledger: { ...empty, files: [owned("/etc/x")] },
    })
    assert.notProperty(changes(plain.puts)[0]!.after, "owner")
  })
})

describe("what is in the way", () => {
  const codes = (state: FileState.FileState, desired: Desired.Desired = wanted("/etc/x")) =>
    problems({ tree: { "/etc/x": state }, desired: [desired] }).map((p) => p.code)

  it("is a directory, or what cannot be looked at, and each says which", () => {
    assert.deepStrictEqual(codes(FileState.directory()), ["E_PATH_TAKEN"])
    assert.deepStrictEqual(codes(unreadable), ["E_PATH_UNREADABLE"])
    const [taken] = problems({ tree: { "/etc/x": FileState.directory() }, desired: [wanted("/etc/x")] })
    assert.include(taken!.message, "is a directory")
  })

  it("is a link only where a file behind it would be edited", () => {
    assert.deepStrictEqual(codes(FileState.link("y"), Desired.edited(edit("/etc/x"), ours, "edited")), [
      "E_PATH_TAKEN",
    ])
    const mine = { ...empty, files: [owned("/etc/x")] }
    assert.strictEqual(
      changes(
        done({ tree: { "/etc/x": FileState.link("y") }, desired: [wanted("/etc/x")], ledger: mine }).puts,
      ).length,
      1,
    )
  })

  it("is a link that leads nowhere, with the place that is missing", () => {
    const found = problems({
      tree: { "/opt": FileState.link("/data") },
      desired: [wanted("/opt/x")],
      deadEnds: [path("/opt")],
    })
    assert.deepStrictEqual(
      found.map((p) => [p.code, p.path]),
      [["E_LINK_LEADS_NOWHERE", "/opt"]],
    )
    assert.include(found[0]!.message, "/data")
    assert.isTrue(
      Result.isSuccess(reconcile({ tree: { "/opt": FileState.link("/data") }, desired: [wanted("/opt/x")] })),
    )
  })

  it("is what stands where an edit of ours has to go away", () => {
    const ledger = { ...empty, edits: [edit("/etc/x")] }
    const at = (state: FileState.FileState) => reconcile({ tree: { "/etc/x": state }, ledger })
    for (const state of [FileState.link("y"), FileState.directory(), unreadable])
      assert.isTrue(Result.isFailure(at(state)), state._tag)
    assert.isTrue(Result.isSuccess(at(FileState.absent)))
    assert.isTrue(Result.isSuccess(at(FileState.file('imports = ["/x.toml"]\n'))))
  })
})

describe("a file that is no longer wanted", () => {
  const ledger = { ...empty, files: [owned("/etc/x")] }

  it("goes as a file or a link, stays ours while nobody can look, and is forgotten as anything else", () => {
    const of = (state: FileState.FileState) => {
      const made = done({ tree: { "/etc/x": state }, ledger })
      return [changes(made.removals).length, made.ledger.files.length]
    }
    assert.deepStrictEqual(of(ours), [1, 0])
    assert.deepStrictEqual(of(FileState.link("y")), [1, 0])
    assert.deepStrictEqual(of(unreadable), [0, 1])
    assert.deepStrictEqual(of(FileState.directory()), [0, 0])
    assert.deepStrictEqual(of(FileState.absent), [0, 0])
  })

  it("is told of where somebody changed it", () => {
    const codes = (text: string) =>
      done({ tree: { "/etc/x": FileState.file(text) }, ledger }).notices.map((n) => n.code)
    assert.deepStrictEqual([codes("theirs"), codes("ours")], [["owned-file-changed"], []])
  })

  it("stays where another step takes it over, or another stage answers for it", () => {
    const over = done({ tree: { "/etc/x": ours }, ledger, takenOver: [path("/etc/x")] })
    assert.deepStrictEqual(over.removals, [])
    const artifacts = done({
      tree: { "/etc/x": ours },
      ledger: { ...empty, files: [owned("/etc/x", { stage: "artifacts" })] },
    })
    assert.deepStrictEqual([artifacts.removals, artifacts.ledger.files.length], [[], 1])
  })

  it("of the artifacts is only marked, unless its directory is still wanted", () => {
    const files = [owned("/opt/a/x", { stage: "artifacts" })]
    const at = (tree: Tree, desired: ReadonlyArray<Desired.Desired> = []) =>
      done({ stage: "artifacts", tree, ledger: { ...empty, files }, desired })
    assert.deepStrictEqual(
      at({ "/opt/a/x": ours }).ledger.files.map((f) => f.unused),
      [true],
    )
    assert.deepStrictEqual(at({}).ledger.files, [])
    const live = { "/opt/a/x": ours, "/opt/a": FileState.directory(), "/opt": FileState.directory() }
    const made = at(live, [wanted("/opt/a", FileState.directory())])
    assert.deepStrictEqual([changes(made.removals).length, made.ledger.files], [1, []])
    const file = at({ ...live, "/opt/a": FileState.file("x") }, [])
    assert.deepStrictEqual(file.removals, [])
  })
})

describe("an edit that is no longer wanted", () => {
  const ledger = { ...empty, edits: [edit("/etc/x")] }
  const tree = { "/etc/x": FileState.file('a = 1\nimports = ["/x.toml"]\n') }

  it("goes before the files, and only with the stage that made it", () => {
    const both = { ...ledger, files: [owned("/x.toml")] }
    const made = done({ tree: { ...tree, "/x.toml": ours }, ledger: both })
    assert.deepStrictEqual(
      changes(made.removals).map((c): string => c.path),
      ["/etc/x", "/x.toml"],
    )
    assert.deepStrictEqual(made.ledger.edits, [])
    const artifacts = done({ stage: "artifacts", tree, ledger })
    assert.deepStrictEqual([artifacts.removals, artifacts.ledger.edits], [[], ledger.edits])
  })

  it("stays where it is wanted still", () => {
    const again = Desired.edited(edit("/etc/x"), FileState.file('a = 1\nimports = ["/x.toml"]\n'), "still")
    const made = done({ tree, ledger, desired: [again] })
    assert.deepStrictEqual([made.removals, made.ledger.edits], [[], [edit("/etc/x")]])
  })

  it("tells what could not be undone", () => {
    const broken = done({ tree: { "/etc/x": FileState.file("a = [") }, ledger })
    assert.deepStrictEqual(
      broken.notices.map((n) => n.code),
      ["edit-not-undone"],
    )
  })
})

describe("the ledger's directories and files", () => {
  it("are those that stand and those that are made, in the order of their names", () => {
    const made = done({
      tree: { "/b": FileState.directory() },
      ledger: {
        ...empty,
        directories: ["/gone", "/b"].map(path),
        files: [owned("/z", { stage: "artifacts" })],
      },
      desired: [wanted("/c/d/x"), wanted("/a")],
    })
    assert.deepStrictEqual(made.ledger.directories, ["/b", "/c", "/c/d"].map(path))
    assert.deepStrictEqual(
      made.ledger.files.map((f) => f.path),
      ["/a", "/c/d/x", "/z"].map(path),
    )
  })
})

describe("vacating", () => {
  const directories = ["/opt", "/opt/a", "/opt/a/b", "/opt/c", "/srv"].map(path)
  const vacated = (desired: ReadonlyArray<string>, removed: ReadonlyArray<string>) =>
    Reconcile.vacate(
      { directories },
      desired.map((at) => ({ path: path(at) })),
      removed.map(path),
    ).flatMap(({ action }) => (action._tag === "Prune" ? action.directories : []))

  it("takes away directories around and beside what was removed, deepest first", () => {
    assert.deepStrictEqual(vacated([], ["/opt/a/x"]), ["/opt/a/b", "/opt/a", "/opt"].map(path))
  })

  it("leaves those alone in which something is wanted, and all of them where nothing was removed", () => {
    assert.deepStrictEqual(vacated(["/opt/y"], ["/opt/a/x"]), ["/opt/a/b", "/opt/a"].map(path))
    assert.deepStrictEqual(vacated(["/opt/a/b"], ["/opt/a/x"]), [])
    assert.deepStrictEqual(vacated([], []), [])
    assert.deepStrictEqual(vacated([], ["/etc/x"]), [])
  })
})

describe("the paths that steps remove", () => {
  it("are those of files that go and of entries by name, below their root", () => {
    const tree = (entries: ReadonlyArray<Ledger.OwnedEntry> | "everything") =>
      step({ _tag: "RemoveTree", root: path("/opt"), entries, reserved: [] } as const, "x")
    const found = Reconcile.removedBy([
      put(Change.make(path("/a"), ours, FileState.absent), "x"),
      put(Change.make(path("/b"), FileState.absent, ours), "x"),
      step({ _tag: "Prune", directories: [path("/c")] } as const, "x"),
      tree([{ type: "link", path: "bin/d", target: "x" }]),
      tree("everything"),
    ])
    assert.deepStrictEqual(found, ["/a", "/opt/bin/d"].map(path))
  })
})
