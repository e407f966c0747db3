/** What becomes of handlers that an installer without a ledger wrote into a main config, and of a file that we take over? */
import { assert, describe, it } from "@effect/vitest"
import { FileState, HostPath, Ledger, Ownership } from "../../src/index.ts"

const path = HostPath.make("/etc/containerd/config.toml")
const below = HostPath.make("/opt/kata")
const ours = `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata-qemu]\nruntime_path = "/opt/kata/bin/containerd-shim-kata-v2"\n`
const theirs = `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"\n`

type Tables = Extract<Ledger.Edit, { readonly kind: "tables" }>
const undo = (text: string, rest: Partial<Tables> = {}) =>
  Ownership.undoEdit(
    FileState.file(text, 0o600),
    { kind: "tables", path, below, createdFile: false, backup: null, ...rest },
    "default",
  )
const left = (text: string, rest: Partial<Tables> = {}) => FileState.textOf(undo(text, rest).after)

describe("undoing tables", () => {
  it("cuts ours out and leaves the others, the mode and what was written around them", () => {
    const undone = undo(`# mine\nversion = 2\n${theirs}${ours}`)
    assert.deepStrictEqual(undone, {
      after: FileState.file(`# mine\nversion = 2\n${theirs}`, 0o600),
      notices: [],
    })
  })

  it("puts the copy back where it says what is left, byte for byte", () => {
    const backup = `version   =   2 # as it was\n`
    assert.strictEqual(left(`version = 2\n${ours}`, { backup }), backup)
  })

  it("puts the copy back though the log level is another one, which the installer may have set", () => {
    const backup = "version = 2\n[debug]\nlevel = 'warn'\n"
    assert.strictEqual(left(`version = 2\n[debug]\nlevel = 'debug'\n${ours}`, { backup }), backup)
  })

  it("puts the copy back whatever the order of its keys, and though a number in it is larger than a number holds", () => {
    const backup = `# as it was\noom_score = 9223372036854775807\nversion = 2\n`
    assert.strictEqual(left(`version = 2\noom_score = 9223372036854775807\n${ours}`, { backup }), backup)
  })

  it("keeps what was changed since the copy was made", () => {
    const backup = "version = 2\n"
    assert.strictEqual(
      left(`version = 2\nroot = "/new"\n${ours}`, { backup }),
      `version = 2\nroot = "/new"\n`,
    )
  })

  it("takes a file away that the installer made, once nothing but ours was in it", () => {
    assert.deepStrictEqual(undo(`version = 2\n${ours}`, { createdFile: true }), {
      after: FileState.absent,
      notices: [],
    })
    assert.strictEqual(undo(`version = 2\n${ours}`).after._tag, "File")
    assert.strictEqual(undo(`version = 2\n${theirs}${ours}`, { createdFile: true }).after._tag, "File")
    assert.strictEqual(undo(`# mine\nversion = 2\n${ours}`, { createdFile: true }).after._tag, "File")
    assert.strictEqual(undo(`imports = ["/x"]\n${ours}`, { createdFile: true }).after._tag, "File")
    assert.strictEqual(undo(`imports = []\n${ours}`, { createdFile: true }).after._tag, "Absent")
  })

  it("leaves a file that is no TOML as it is, and never takes it away", () => {
    assert.strictEqual(left("version = [", { createdFile: true }), "version = [")
  })

  it("does nothing to what is no file", () => {
    const edit: Tables = { kind: "tables", path, below, createdFile: true, backup: "x" }
    for (const state of [FileState.absent, FileState.link("x"), FileState.directory()])
      assert.deepStrictEqual(Ownership.undoEdit(state, edit, "default"), { after: state, notices: [] })
  })
})

describe("a path that a file of ours is to go to", () => {
  const dir = HostPath.make("/opt/kata")
  const ledger: Ledger.Ledger = {
    ...Ledger.empty("default", "1", "containerd"),
    installDir: dir,
    files: [{ path, stage: "cri", digest: "x" }],
    components: [
      {
        name: "qemu",
        archive: { sha256: "a", size: 1, modifiedMs: 1 },
        entries: [{ type: "link", path: "bin/qemu", target: "x" }],
      },
    ],
  }
  const { installDir: _, ...early } = ledger
  const mine = (
    at: string,
    found: FileState.FileState,
    wanted: FileState.FileState = FileState.file("wanted"),
    of: Ledger.Ledger = ledger,
  ) => Ownership.ours(of)(HostPath.make(at), found, wanted)
  const [elsewhere, foreign] = ["/opt/kata/x", FileState.file("theirs")]

  it("is ours where nothing is there, or the very same", () => {
    assert.isTrue(mine(elsewhere, FileState.absent))
    assert.isTrue(mine(elsewhere, FileState.file("wanted")))
    assert.isTrue(mine(elsewhere, FileState.link("a"), FileState.link("a")))
    assert.isFalse(mine(elsewhere, FileState.link("a"), FileState.link("b")))
    assert.isFalse(mine(elsewhere, foreign))
    assert.isFalse(mine(elsewhere, FileState.link("wanted")))
    assert.isFalse(mine(elsewhere, FileState.directory(), FileState.directory()))
    assert.isFalse(mine(elsewhere, FileState.file("a"), FileState.link("a")))
  })

  it("is ours where the ledger names it, by itself or as a part of a component", () => {
    assert.isTrue(mine(path, foreign))
    assert.isTrue(mine("/opt/kata/bin/qemu", foreign))
    assert.isFalse(mine("/opt/kata/bin/qemu", foreign, FileState.file("wanted"), early))
    assert.isTrue(mine(path, FileState.directory()))
  })

  it("is ours where its first lines say so, and not where later ones do", () => {
    const stamp = "# Written by kata-deploy 1.2\n"
    assert.isTrue(mine(elsewhere, FileState.file(`${stamp}x = 1\n`)))
    assert.isTrue(mine(elsewhere, FileState.file(`# a\n# This file is managed by kata-deploy\n`)))
    assert.isFalse(mine(elsewhere, FileState.file(`x = 1\n${stamp}`)))
  })

  it("is ours where all of its handlers are", () => {
    assert.isTrue(mine(elsewhere, FileState.file(ours)))
    assert.isFalse(mine(elsewhere, FileState.file(ours + theirs)))
    assert.isFalse(mine(elsewhere, FileState.file(ours), FileState.file("wanted"), early))
  })

  it("is ours below a directory that was taken over as a whole, and nowhere else", () => {
    const adopted = { ...ledger, adopted: "everything" as const }
    const wanted = FileState.file("wanted")
    assert.isTrue(mine(elsewhere, foreign, wanted, adopted))
    assert.isFalse(mine("/etc/x", foreign, wanted, adopted))
    assert.isFalse(mine(elsewhere, foreign, wanted, { ...early, adopted: "everything" }))
  })
})

describe("what the ledger calls a state", () => {
  it("tells every kind from every other", () => {
    const states = [
      FileState.file("a"),
      FileState.file("b"),
      FileState.link("a"),
      FileState.absent,
      FileState.directory(),
      { _tag: "Unreadable", why: "io", detail: "a" } as const,
    ]
    assert.strictEqual(new Set(states.map(Ownership.digestOf)).size, states.length)
    assert.strictEqual(Ownership.digestOf(FileState.link("a")), "link:a")
    assert.strictEqual(Ownership.digestOf(FileState.directory()), "directory")
    assert.strictEqual(Ownership.digestOf(FileState.absent), "absent")
    assert.strictEqual(
      Ownership.digestOf(FileState.file("a", 0o600)),
      Ownership.digestOf(FileState.file("a")),
    )
  })

  it("is what the steps leave there, and nothing for paths that none of them puts", () => {
    const other = HostPath.make("/etc/containerd/other.toml")
    const after = Ownership.digestAfter([
      { action: { _tag: "Prune", directories: [path] } },
      { action: { _tag: "Put", change: { path, before: FileState.absent, after: FileState.link("x") } } },
    ])
    assert.strictEqual(after(path), "link:x")
    assert.isUndefined(after(other))
    assert.strictEqual(after(path), "link:x")
    assert.isUndefined(Ownership.digestAfter([])(path))
  })

  it("says of a file of ours that it was changed only where that is known", () => {
    const owned = (digest: string | null): Ledger.OwnedFile => ({ path, stage: "cri", digest })
    const codes = (digest: string | null, state: FileState.FileState) =>
      Ownership.changedSince(owned(digest), state).map((n) => n.code)
    const same = FileState.file("a")
    assert.deepStrictEqual(codes("x", same), ["owned-file-changed"])
    assert.deepStrictEqual(codes(Ownership.digestOf(same), same), [])
    assert.deepStrictEqual(codes("x", FileState.absent), [])
    assert.deepStrictEqual(codes(null, same), [])
  })
})
