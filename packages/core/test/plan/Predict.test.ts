import { assert, describe, it } from "@effect/vitest"
import { type Action, Change, Facts, FileState, HostPath, Ledger, Fact, Predict } from "../../src/index.ts"

const path = HostPath.make
const facts = (tree: Readonly<Record<string, FileState.FileState>>): Facts.Facts => ({
  ...Facts.unseen("1", path("/opt/kata/.kata-deploy"), Fact.known("systemd")),
  files: new Map(Object.entries(tree).map(([at, state]) => [path(at), state])),
})

const after = (
  tree: Readonly<Record<string, FileState.FileState>>,
  ...actions: ReadonlyArray<Action.Action>
) =>
  Predict.after(
    facts(tree),
    actions.map((action) => ({ action, because: "" })),
  )

const at = (found: Facts.Facts, where: string) => found.files.get(path(where))?._tag

describe("Predict", () => {
  it("sees what is written and removed", () => {
    const found = after(
      { "/a": FileState.file("x") },
      { _tag: "Put", change: Change.make(path("/a"), FileState.file("x"), FileState.absent) },
      { _tag: "Put", change: Change.make(path("/b"), FileState.absent, FileState.file("y")) },
    )
    assert.strictEqual(at(found, "/a"), "Absent")
    assert.deepStrictEqual(found.files.get(path("/b")), FileState.file("y"))
  })

  it("does not change the facts that it was given", () => {
    const before = facts({ "/a": FileState.file("x") })
    Predict.after(before, [
      {
        action: { _tag: "RemoveTree", root: HostPath.root, entries: "everything", reserved: [] },
        because: "",
      },
    ])
    assert.strictEqual(before.files.get(path("/a"))?._tag, "File")
  })

  it("sees the ledger as it will be recorded, or gone", () => {
    const ledger = Ledger.empty("default", "1", "k3s")
    assert.deepStrictEqual(after({}, { _tag: "Record", path: path("/l"), ledger }).ledger, {
      _tag: "Read",
      ledger,
    })
    assert.deepStrictEqual(after({}, { _tag: "Record", path: path("/l"), ledger: null }).ledger, {
      _tag: "None",
    })
  })

  const tree = {
    "/opt/kata": FileState.directory(),
    "/opt/kata/bin/a": FileState.file("a"),
    "/opt/kata/bin/b": FileState.file("b"),
    "/opt/kata/.kata-deploy": FileState.directory(),
    "/opt/kata/.kata-deploy/ledger.json": FileState.file("{}"),
    "/opt/kata-dev/bin/a": FileState.file("c"),
  }

  it("sees a tree emptied but for what is reserved", () => {
    const found = after(tree, {
      _tag: "RemoveTree",
      root: path("/opt/kata"),
      entries: "everything",
      reserved: [path("/opt/kata/.kata-deploy")],
    })
    assert.strictEqual(at(found, "/opt/kata/bin/a"), "Absent")
    assert.strictEqual(at(found, "/opt/kata/.kata-deploy/ledger.json"), "File")
    assert.strictEqual(at(found, "/opt/kata/.kata-deploy"), "Directory")
    assert.strictEqual(at(found, "/opt/kata-dev/bin/a"), "File")
    assert.strictEqual(at(found, "/opt/kata"), "Directory")
  })

  it("sees only the entries removed that are named", () => {
    const found = after(tree, {
      _tag: "RemoveTree",
      root: path("/opt/kata"),
      entries: [{ type: "link", path: "bin/a", target: "x" }],
      reserved: [],
    })
    assert.strictEqual(at(found, "/opt/kata/bin/a"), "Absent")
    assert.strictEqual(at(found, "/opt/kata/bin/b"), "File")
  })

  it("sees directories pruned in order, each only when it is empty by then", () => {
    const directories = ["/d/e", "/d", "/k"].map(path)
    const found = after(
      {
        "/d": FileState.directory(),
        "/d/e": FileState.directory(),
        "/k": FileState.directory(),
        "/k/f": FileState.file(""),
      },
      { _tag: "Prune", directories },
    )
    assert.deepStrictEqual(
      ["/d/e", "/d", "/k"].map((p) => at(found, p)),
      ["Absent", "Absent", "Directory"],
    )
  })
})
