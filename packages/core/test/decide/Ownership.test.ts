import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import {
  ContainerdImports,
  ContainerdWholeFile,
  FileState,
  HostPath,
  Ledger,
  Ownership,
} from "../../src/index.ts"
import { rootFile, textOf } from "./ContainerdFiles.ts"

const path = HostPath.make("/etc/containerd/config.toml")
const dropIn = "/opt/kata/containerd/config.d/kata-deploy.toml"

/** A file with our import, and the edit as the ledger keeps it. */
const imported = (
  text: string,
  createdFile = false,
): { readonly text: string; readonly edit: Ledger.Edit } => {
  const added = Result.getOrThrow(ContainerdImports.add(text, [dropIn]))
  return {
    text: added.text,
    edit: { kind: "import", path, elements: [dropIn], createdFile, region: added.region },
  }
}

const handlers = { "kata-qemu": { runtime_path: "/opt/kata/bin/containerd-shim-kata-v2" } }

/** A file with our block, and the edit as the ledger keeps it. */
const blocked = (
  text: string,
  createdFile = false,
): { readonly text: string; readonly edit: Ledger.Edit } => {
  const spliced = Result.getOrThrow(
    ContainerdWholeFile.splice({ path, text, instance: "default", schema: 2, handlers, debug: false }),
  )
  return { text: spliced.text, edit: { kind: "block", path, createdFile, block: spliced.block } }
}

const undo = (text: string, edit: Ledger.Edit) =>
  Ownership.undoEdit(FileState.file(text, 0o600), edit, "default")
const codes = (undone: Ownership.Undone) => undone.notices.map((n) => n.code)

describe("Ownership", () => {
  it("undoes an edit to the very bytes, and keeps the file's mode", () => {
    fc.assert(
      fc.property(rootFile, fc.constantFrom(imported, blocked), (file, make) => {
        const { edit, text } = make(textOf(file))
        assert.deepStrictEqual(undo(text, edit), { after: FileState.file(textOf(file), 0o600), notices: [] })
      }),
    )
  })

  for (const [kind, make] of [
    ["an import", imported],
    ["a block", blocked],
  ] as const) {
    it(`takes away a file that we created for ${kind}, as long as nobody wrote into it`, () => {
      const { edit, text } = make("version = 2\n", true)
      assert.deepStrictEqual(undo(text, edit), { after: FileState.absent, notices: [] })
      for (const foreign of ["# mine\n", "root = '/x'\n", "imports = ['/y.toml']\n"]) {
        const edited =
          text.startsWith("version = 2\nimports") && foreign.startsWith("imports")
            ? text.replace("]", ", '/y.toml']")
            : `${foreign}${text}`
        const { after } = undo(edited, edit)
        assert.strictEqual(after._tag, "File", foreign)
      }
    })

    it(`leaves a file that was there before ${kind}, even when it says nothing`, () => {
      const { edit, text } = make("")
      assert.deepStrictEqual(undo(text, edit).after, FileState.file("", 0o600))
    })

    it(`has nothing to undo where ${kind} is gone already`, () => {
      const { edit } = make("version = 2\n")
      assert.deepStrictEqual(undo("version = 2\nroot = '/x'\n", edit), {
        after: FileState.file("version = 2\nroot = '/x'\n", 0o600),
        notices: [],
      })
      assert.deepStrictEqual(Ownership.undoEdit(FileState.absent, edit, "default").after, FileState.absent)
    })
  }

  it("warns when the root of a file is no TOML any more, and leaves the file alone", () => {
    const { edit, text } = imported("version = 2\n")
    const broken = `= ${text}`
    const undone = undo(broken, edit)
    assert.deepStrictEqual(undone.after, FileState.file(broken, 0o600))
    assert.deepStrictEqual(codes(undone), ["edit-not-undone"])
    assert.include(undone.notices[0]!.remedy!, dropIn)
  })

  it("warns when the marks around a block are gone and our handlers are not", () => {
    const { edit, text } = blocked("version = 2\n")
    const unmarked = text.replaceAll(/^# [<>]{3} .*\n/gm, "")
    const undone = undo(unmarked, edit)
    assert.deepStrictEqual(undone.after, FileState.file(unmarked, 0o600))
    assert.deepStrictEqual(codes(undone), ["edit-not-undone"])
    assert.include(undone.notices[0]!.message, path)
  })

  it("leaves a file alone whose marks are gone and which nobody can read any more, or which names no handlers", () => {
    const { edit } = blocked("version = 2\n")
    for (const text of ["version = [", "[plugins]\nx = 1\n", "[plugins.x.containerd.runtimes]\ny = 1\n"])
      assert.deepStrictEqual(undo(text, edit), { after: FileState.file(text, 0o600), notices: [] })
  })

  it("does not take a handler of the same name but another program for ours", () => {
    const { edit, text } = blocked("version = 2\n")
    const other = text.replaceAll(/^# [<>]{3} .*\n/gm, "").replace("/opt/kata/", "/srv/kata/")
    assert.deepStrictEqual(codes(undo(other, edit)), [])
  })

  it("names what is at a path as the ledger does", () => {
    assert.strictEqual(
      Ownership.digestOf(FileState.file("abc")),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    )
    assert.strictEqual(Ownership.digestOf(FileState.link("a/b")), "link:a/b")
    assert.strictEqual(
      new Set(
        [FileState.absent, FileState.directory(), FileState.file(""), FileState.link("")].map(
          Ownership.digestOf,
        ),
      ).size,
      4,
    )
  })

  it("tells when a file of ours was changed by somebody else, and not when it is gone", () => {
    const owned = { path, stage: "cri", digest: Ownership.digestOf(FileState.file("a")) } as const
    assert.deepStrictEqual(Ownership.changedSince(owned, FileState.file("a", 0o600)), [])
    assert.deepStrictEqual(Ownership.changedSince(owned, FileState.absent), [])
    for (const state of [FileState.file("b"), FileState.link("a")]) {
      assert.deepStrictEqual(
        Ownership.changedSince(owned, state).map((n) => n.code),
        ["owned-file-changed"],
      )
    }
  })

  it("knows whether a file still imports all that was added", () => {
    const text = "imports = ['/a', '/b']\n"
    assert.isTrue(Ownership.stillImports(text, ["/a", "/b"]))
    assert.isTrue(Ownership.stillImports(text, []))
    assert.isFalse(Ownership.stillImports(text, ["/a", "/c"]))
    assert.isFalse(Ownership.stillImports("imports = ", ["/a"]))
  })
})

describe("a file of ours", () => {
  const at = HostPath.make("/opt/kata/versions.yaml")
  const theirs = FileState.file("theirs\n")
  const wanted = FileState.file("# new\n")
  const ledger: Ledger.Ledger = {
    ...Ledger.empty("default", "1", "containerd"),
    installDir: HostPath.make("/opt/kata"),
  }
  const isOurs = (found: FileState.FileState, rest: Partial<Ledger.Ledger> = {}) =>
    Ownership.ours({ ...ledger, ...rest })(at, found, wanted)

  it("may replace nothing that is there without a word of ours", () => {
    assert.isTrue(isOurs(FileState.absent))
    for (const found of [theirs, FileState.link("elsewhere"), FileState.directory()])
      assert.isFalse(isOurs(found), found._tag)
  })

  it("may replace what the ledger names, and what came out of an archive of ours", () => {
    assert.isTrue(isOurs(theirs, { files: [{ path: at, stage: "artifacts", digest: null }] }))
    const entries = [{ type: "link" as const, path: "versions.yaml", target: "x" }]
    const components = [{ name: "c", archive: { sha256: "1", size: 1, modifiedMs: 0 }, entries }]
    assert.isTrue(isOurs(theirs, { components }))
    assert.isFalse(isOurs(theirs, { components: [{ ...components[0]!, entries: [] }] }))
  })

  it("may replace everything below the directory of an install that was adopted, and nothing elsewhere", () => {
    assert.isTrue(isOurs(theirs, { adopted: "everything" }))
    assert.isFalse(isOurs(theirs, { adopted: "everything", installDir: HostPath.make("/opt/other") }))
  })

  it("may replace the very same, whatever its mode", () => {
    assert.isTrue(isOurs(FileState.file("# new\n", 0o600)))
    assert.isTrue(Ownership.ours(ledger)(at, FileState.link("x"), FileState.link("x")))
    assert.isFalse(Ownership.ours(ledger)(at, FileState.link("x"), FileState.link("y")))
  })

  it("may replace what says in the comment at its top that it is ours", () => {
    assert.isTrue(isOurs(FileState.file("#!/bin/sh\n# Written by kata-deploy: as before.\nexit\n")))
    assert.isTrue(isOurs(FileState.file("# This file is managed by kata-deploy: x.\n")))
    assert.isFalse(isOurs(FileState.file("state = 1\n# Written by kata-deploy\n")))
  })

  it("may replace what names nothing but handlers of Kata's, as older installers left it", () => {
    const table = (name: string, rest = "") => FileState.file(`[crio.runtime.runtimes.${name}]\n${rest}`)
    assert.isTrue(isOurs(table("kata-fc")))
    assert.isTrue(isOurs(table("mine", 'runtime_path = "/opt/kata/bin/containerd-shim-kata-v2"\n')))
    assert.isFalse(isOurs(table("runc")))
    assert.isFalse(isOurs(table("kata-fc", 'runtime_path = "/usr/bin/x"\n')))
  })
})
