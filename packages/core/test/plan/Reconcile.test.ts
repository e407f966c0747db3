import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  ContainerdImports,
  Desired,
  FileState,
  HostPath,
  Ledger,
  Ownership,
  PlanDocument,
} from "../../src/index.ts"
import * as Reconcile from "../../src/plan/Reconcile.ts"

const path = HostPath.make
const empty = Ledger.empty("default", "1", "containerd")

type Tree = Readonly<Record<string, FileState.FileState>>

/** Every directory above the paths of a tree is there; what is not in it is absent. */
const looking = (tree: Tree) => {
  const above = new Set(Object.keys(tree).flatMap((p) => [...HostPath.ancestors(path(p))]))
  return (p: HostPath.HostPath): FileState.FileState =>
    tree[p] ?? (above.has(p) ? FileState.directory() : FileState.absent)
}

interface Given {
  readonly tree?: Tree
  readonly desired?: ReadonlyArray<Desired.Desired>
  readonly ledger?: Ledger.Ledger
  readonly stage?: "artifacts" | "cri"
}

const input = (given: Given): Reconcile.ReconcileInput => ({
  stage: given.stage ?? "cri",
  desired: given.desired ?? [],
  ledger: given.ledger ?? empty,
  look: looking(given.tree ?? {}),
})

const reconcile = (given: Given) => Result.getOrThrow(Reconcile.reconcile(input(given)))
const problems = (given: Given) => Result.getOrThrow(Result.flip(Reconcile.reconcile(input(given)))).problems

const summaries = (steps: Reconcile.Reconciled["puts"]) => steps.map((s) => PlanDocument.summary(s.action))

const file = (at: string, text = "ours") => Desired.make(path(at), FileState.file(text), "wanted")
const owned = (at: string, text = "ours", stage: "artifacts" | "cri" = "cri"): Ledger.OwnedFile => ({
  path: path(at),
  stage,
  digest: Ownership.digestOf(FileState.file(text)),
})

const main = "/etc/containerd/config.toml"
const edited = (text: string) => {
  const { region, text: after } = Result.getOrThrow(ContainerdImports.add(text, ["/x.toml"]))
  const edit: Ledger.Edit = {
    kind: "import",
    path: path(main),
    elements: ["/x.toml"],
    createdFile: false,
    region,
  }
  return { after, edit, desired: Desired.edited(edit, FileState.file(after), "it imports ours") }
}

describe("Reconcile", () => {
  it("creates missing directories, parents first and each once, and then writes in the given order", () => {
    const { directories, ledger, puts, removals } = reconcile({
      tree: { "/etc/hostname": FileState.file("n") },
      desired: [file("/opt/k/b/2"), file("/opt/k/a/1"), file("/etc/x")],
    })
    assert.deepStrictEqual(summaries(directories), [
      "create directory /opt",
      "create directory /opt/k",
      "create directory /opt/k/a",
      "create directory /opt/k/b",
    ])
    assert.deepStrictEqual(summaries(puts), ["create /opt/k/b/2", "create /opt/k/a/1", "create /etc/x"])
    assert.deepStrictEqual(removals, [])
    assert.deepStrictEqual<ReadonlyArray<string>>(ledger.directories, [
      "/opt",
      "/opt/k",
      "/opt/k/a",
      "/opt/k/b",
    ])
    assert.deepStrictEqual(
      ledger.files.map((f) => f.path),
      ["/etc/x", "/opt/k/a/1", "/opt/k/b/2"].map(path),
    )
  })

  it("lists what is right already as kept, and claims no directory that was there", () => {
    const { directories, ledger, puts } = reconcile({
      tree: { "/etc/a": FileState.file("ours") },
      desired: [file("/etc/a")],
    })
    assert.deepStrictEqual(directories, [])
    assert.deepStrictEqual(summaries(puts), ["keep /etc/a"])
    assert.deepStrictEqual(ledger.directories, [])
    // What is in it is digested when it is recorded.
    assert.deepStrictEqual(ledger.files, [{ ...owned("/etc/a"), digest: null }])
  })

  it("accepts a link where a directory has to be, as /opt is one on some hosts", () => {
    assert.deepStrictEqual(
      reconcile({ tree: { "/opt": FileState.link("/var/opt") }, desired: [file("/opt/a")] }).directories,
      [],
    )
  })

  it("keeps the owner of a file that it replaces, and the mode of one that it only edits", () => {
    const before: FileState.FileState = { _tag: "File", text: "", mode: 0o600, owner: { uid: 5, gid: 6 } }
    const { desired } = edited("")
    const { puts } = reconcile({
      tree: { "/etc/a": before, [main]: before },
      desired: [file("/etc/a", "new"), desired],
      ledger: { ...empty, files: [owned("/etc/a", "")] },
    })
    const after = puts.map(({ action }) => (action._tag === "Put" ? action.change.after : undefined))
    assert.deepStrictEqual(after, [
      { _tag: "File", text: "new", mode: 0o644, owner: { uid: 5, gid: 6 } },
      { _tag: "File", text: FileState.textOf(desired.state)!, mode: 0o600, owner: { uid: 5, gid: 6 } },
    ])
  })

  it("refuses every file that somebody else put where ours has to be, at once", () => {
    const found = problems({
      tree: { "/etc/a": FileState.file("theirs"), "/etc/b": FileState.link("elsewhere") },
      desired: [file("/etc/a"), file("/etc/b")],
    })
    assert.deepStrictEqual(
      found.map((p) => [p.code, p.path as string]),
      [
        ["E_PATH_TAKEN", "/etc/a"],
        ["E_PATH_TAKEN", "/etc/b"],
      ],
    )
  })

  it("refuses a link that leads nowhere where a directory has to be", () => {
    const given = input({
      tree: { "/opt/kata": FileState.link("/mnt/kata") },
      desired: [file("/opt/kata/bin/x")],
    })
    const { problems: found } = Result.getOrThrow(
      Result.flip(Reconcile.reconcile({ ...given, deadEnds: [path("/opt/kata")] })),
    )
    assert.strictEqual(found[0]?.code, "E_LINK_LEADS_NOWHERE")
    assert.include(found[0]!.message, "/opt/kata is a link to /mnt/kata")
    assert.isTrue(Result.isSuccess(Reconcile.reconcile(given)))
  })

  it("makes directories ours that another install made, as far as we need them", () => {
    const made = Ledger.empty("other", "1", "containerd")
    const neighbours = [
      {
        installDir: path("/opt/kata-other"),
        ledger: {
          _tag: "Read" as const,
          ledger: { ...made, directories: [path("/etc/conf.d"), path("/etc/more")] },
        },
        handlers: [],
      },
    ]
    const given = input({
      tree: { "/etc/conf.d": FileState.directory(), "/etc/more": FileState.directory() },
      desired: [file("/etc/conf.d/x.toml")],
    })
    const { directories, ledger } = Result.getOrThrow(Reconcile.reconcile({ ...given, neighbours }))
    assert.deepStrictEqual(directories, [])
    assert.deepStrictEqual<ReadonlyArray<string>>(ledger.directories, ["/etc/conf.d"])
  })

  it("only marks an artifact that nobody wants any more, since a handler may still need it", () => {
    const { ledger, removals } = reconcile({
      stage: "artifacts",
      tree: { "/opt/a": FileState.file("ours") },
      ledger: {
        ...empty,
        files: [owned("/opt/a", "ours", "artifacts"), owned("/opt/gone", "ours", "artifacts")],
      },
    })
    assert.deepStrictEqual(removals, [])
    assert.deepStrictEqual(ledger.files, [{ ...owned("/opt/a", "ours", "artifacts"), unused: true }])
  })

  it("removes an artifact at once from a directory that is still wanted, where it would go on having its effect", () => {
    const { ledger, removals } = reconcile({
      stage: "artifacts",
      tree: { "/opt/config.d/30.toml": FileState.file("ours") },
      desired: [Desired.make(path("/opt/config.d"), FileState.directory(), "wanted")],
      ledger: { ...empty, files: [owned("/opt/config.d/30.toml", "ours", "artifacts")] },
    })
    assert.deepStrictEqual(summaries(removals), ["remove /opt/config.d/30.toml"])
    assert.deepStrictEqual(ledger.files, [])
  })

  it("removes what it wrote before and nobody wants any more, and says when somebody else changed it", () => {
    const { ledger, notices, removals } = reconcile({
      tree: { "/etc/a": FileState.file("ours"), "/etc/b": FileState.file("theirs") },
      ledger: { ...empty, files: [owned("/etc/a"), owned("/etc/b"), owned("/etc/gone")] },
    })
    assert.deepStrictEqual(summaries(removals), ["remove /etc/a", "remove /etc/b"])
    assert.deepStrictEqual(
      notices.map((n) => n.code),
      ["owned-file-changed"],
    )
    assert.include(notices[0]!.message, "/etc/b")
    assert.deepStrictEqual(ledger.files, [])
  })

  it("leaves the files of another stage to that stage", () => {
    const other = owned("/etc/a", "ours", "artifacts")
    const { ledger, removals } = reconcile({
      tree: { "/etc/a": FileState.file("ours") },
      ledger: { ...empty, files: [other] },
    })
    assert.deepStrictEqual(removals, [])
    assert.deepStrictEqual(ledger.files, [other])
  })

  it("never removes what nobody recorded", () => {
    const { puts, removals } = reconcile({ tree: { "/opt/kata/mine": FileState.file("x") } })
    assert.deepStrictEqual([...puts, ...removals], [])
  })

  it("keeps what it cannot look at, and keeps it in the ledger", () => {
    const unreadable: FileState.FileState = { _tag: "Unreadable", why: "denied", detail: "no permission" }
    const { ledger, removals } = reconcile({
      tree: { "/etc/a": unreadable },
      ledger: { ...empty, files: [owned("/etc/a")] },
    })
    assert.deepStrictEqual(removals, [])
    assert.deepStrictEqual(ledger.files, [owned("/etc/a")])
  })

  it("takes an edit out of a file where it is not wanted any more, before the file that it names goes", () => {
    const { after, edit } = edited("version = 2\n")
    const { ledger, removals } = reconcile({
      tree: { [main]: FileState.file(after), "/x.toml": FileState.file("ours") },
      ledger: { ...empty, edits: [edit], files: [owned("/x.toml")] },
    })
    assert.deepStrictEqual(summaries(removals), [`change ${main}`, "remove /x.toml"])
    const [first] = removals
    assert.deepStrictEqual(
      first!.action._tag === "Put" ? first!.action.change.after : undefined,
      FileState.file("version = 2\n"),
    )
    assert.deepStrictEqual(ledger.edits, [])
  })

  it("leaves edits to the stage of the CRI runtime", () => {
    const { after, edit } = edited("version = 2\n")
    const { ledger, removals } = reconcile({
      stage: "artifacts",
      tree: { [main]: FileState.file(after) },
      ledger: { ...empty, edits: [edit] },
    })
    assert.deepStrictEqual(removals, [])
    assert.deepStrictEqual(ledger.edits, [edit])
  })

  it("records an edit, and does not take the edited file for its own", () => {
    const { desired, edit } = edited("version = 2\n")
    const { ledger } = reconcile({ tree: { [main]: FileState.file("version = 2\n") }, desired: [desired] })
    assert.deepStrictEqual(ledger.edits, [edit])
    assert.deepStrictEqual(ledger.files, [])
  })

  describe("refuses", () => {
    const unreadable: FileState.FileState = { _tag: "Unreadable", why: "denied", detail: "no permission" }
    const { after, desired, edit } = edited("version = 2\n")
    for (const [what, given, code] of [
      [
        "a file where a directory has to be",
        { tree: { "/opt": FileState.file("") }, desired: [file("/opt/a")] },
        "E_PATH_TAKEN",
      ],
      [
        "a directory where a file has to be",
        { tree: { "/a": FileState.directory() }, desired: [file("/a")] },
        "E_PATH_TAKEN",
      ],
      [
        "a file that it cannot look at",
        { tree: { "/a": unreadable }, desired: [file("/a")] },
        "E_PATH_UNREADABLE",
      ],
      [
        "a directory that it cannot look at",
        { tree: { "/opt": unreadable }, desired: [file("/opt/a")] },
        "E_PATH_UNREADABLE",
      ],
      [
        "a link where a file is to be edited",
        { tree: { [main]: FileState.link("x") }, desired: [desired] },
        "E_PATH_TAKEN",
      ],
      [
        "to forget an edit in a file that it cannot look at",
        { tree: { [main]: unreadable }, ledger: { ...empty, edits: [edit] } },
        "E_PATH_UNREADABLE",
      ],
      [
        "to forget an edit in what is a link now",
        { tree: { [main]: FileState.link(after) }, ledger: { ...empty, edits: [edit] } },
        "E_PATH_TAKEN",
      ],
    ] as const) {
      it(what, () => {
        const found = problems(given)
        assert.deepStrictEqual(
          found.map((p) => p.code),
          [code],
        )
      })
    }

    it("everything at once", () => {
      const found = problems({
        tree: { "/a": unreadable, "/b": unreadable },
        desired: [file("/a"), file("/b")],
      })
      assert.deepStrictEqual(
        found.map((p) => p.path),
        ["/a", "/b"],
      )
    })
  })

  it("forgets directories of ours that are gone, and keeps those that stand", () => {
    const { ledger } = reconcile({
      tree: { "/opt/kata": FileState.directory() },
      ledger: { ...empty, directories: [path("/opt/kata"), path("/opt/gone")] },
    })
    assert.deepStrictEqual<ReadonlyArray<string>>(ledger.directories, ["/opt/kata"])
  })

  it("names every path whose state decides", () => {
    const { edit } = edited("")
    const interest = Reconcile.pathsOfInterest([file("/opt/a/b")], {
      ...empty,
      files: [owned("/etc/f")],
      directories: [path("/srv")],
      edits: [edit],
    })
    for (const at of ["/opt", "/opt/a", "/opt/a/b", "/etc/f", "/srv", main])
      assert.include<string>([...interest], at)
  })

  it("has nothing more to do once its steps are done", () => {
    const desired = [file("/opt/k/a"), file("/etc/b")]
    const first = reconcile({ desired })
    const tree = Object.fromEntries(
      [...first.directories, ...first.puts].flatMap(({ action }) =>
        action._tag === "Put" ? [[action.change.path, action.change.after]] : [],
      ),
    )
    const second = reconcile({ tree, desired, ledger: first.ledger })
    assert.deepStrictEqual(summaries([...second.directories, ...second.removals]), [])
    assert.deepStrictEqual(summaries(second.puts), ["keep /opt/k/a", "keep /etc/b"])
    assert.deepStrictEqual(second.ledger, first.ledger)
  })
})
