import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { CriConfig, type Distribution, type Facts, FileState, Ledger, Policies } from "../../src/index.ts"
import * as Node from "../Node.ts"
import { same, settings } from "../Sample.ts"

interface Given {
  readonly runtime?: Distribution.CriRuntime
  readonly version?: string
  readonly tree?: Node.Tree
  readonly variables?: Readonly<Record<string, string>>
  readonly facts?: Partial<Facts.Facts>
}

const decide = (given: Given) =>
  CriConfig.decide({
    settings: settings({
      ...(given.version === undefined ? {} : { CONTAINER_RUNTIME_VERSION: given.version }),
      ...given.variables,
    }),
    detected: Node.detected(given.runtime ?? "containerd"),
    facts: Node.facts(given.tree ?? {}, given.facts),
    policies: Policies.standard,
  })

const paths = (given: Given) => Result.getOrThrow(decide(given)).desired.map((d) => d.path as string)
const stateAt = (given: Given, path: string) =>
  Result.getOrThrow(decide(given)).desired.find((d) => d.path === path)?.state
const editOf = (given: Given) =>
  Result.getOrThrow(decide(given)).desired.flatMap((d) => (d.edit === undefined ? [] : [d.edit]))
const codes = (given: Given) => Result.getOrThrow(Result.flip(decide(given))).problems.map((p) => p.code)

const main = "/etc/containerd/config.toml"
const dropIn = "/opt/kata/containerd/config.d/kata-deploy.toml"
const empty = Ledger.empty("default", "1", "containerd")
const v1 = "containerd://1.7.24"
const v2 = "containerd://2.1.5"

describe("CriConfig", () => {
  it("writes the drop-in before the import that names it, since a literal import of a missing file is fatal", () => {
    const given = { version: v2, tree: { [main]: "version = 3\n" } }
    assert.deepStrictEqual(paths(given), [dropIn, main])
    same(stateAt(given, main), FileState.file(`version = 3\nimports = ["${dropIn}"]\n`))
    assert.deepStrictEqual<ReadonlyArray<string>>(Result.getOrThrow(decide(given)).loaded, [main, dropIn])
  })

  it("says which protection of erofs stays off, and refuses erofs where containerd is too old for it", () => {
    const asked = (version: string) => ({
      version,
      tree: { [main]: "version = 3\n" },
      variables: { EXPERIMENTAL_SETUP_SNAPSHOTTER: "erofs" },
    })
    same(
      Result.getOrThrow(decide(asked("containerd://2.2.1"))).notices.map(({ code }) => code),
      ["erofs-integrity-off", "erofs-integrity-off"],
    )
    same(codes(asked(v2)), ["E_CONTAINERD_TOO_OLD_FOR_EROFS"])
  })

  it("creates a missing main config with its schema and the import, and remembers that it did", () => {
    const given = { version: v2, tree: { "/etc/hostname": "n" } }
    same(stateAt(given, main), FileState.file(`version = 3\nimports = ["${dropIn}"]\n`))
    assert.isTrue(editOf(given)[0]!.createdFile)
    assert.isFalse(editOf({ ...given, tree: { [main]: "" } })[0]!.createdFile)
  })

  it("keeps the first record of an edit that still stands", () => {
    const first = editOf({ version: v2, tree: { [main]: "version = 3\n" } })[0]!
    const text = `version = 3\nimports = ["${dropIn}"]\n`
    const again = editOf({
      version: v2,
      tree: { [main]: text },
      facts: { ledger: Node.recorded({ ...empty, edits: [first] }) },
    })
    assert.deepStrictEqual(again, [first])
  })

  it("replaces an older import of ours by the one that is wanted now", () => {
    const old = editOf({ version: v2, tree: { [main]: "version = 3\n" } })[0]!
    const given = {
      version: v2,
      variables: { INSTALLATION_PREFIX: "/p" },
      tree: { [main]: `version = 3\nimports = ["${dropIn}"]\n` },
      facts: { ledger: Node.recorded({ ...empty, edits: [old] }) },
    }
    same(stateAt(given, main), FileState.file(`version = 3\nimports = ["/p${dropIn}"]\n`))
  })

  it("tells of an older block of ours that could not be taken out any more", () => {
    const block = editOf({ version: v1, tree: { [main]: "version = 2\n" } })[0]!
    assert(block.kind === "block")
    const text = `version = 2\n${block.block.replaceAll(/^#.*$/gm, "")}`
    const { notices } = Result.getOrThrow(
      decide({
        version: v2,
        tree: { [main]: text },
        facts: { ledger: Node.recorded({ ...empty, edits: [block] }) },
      }),
    )
    assert.deepStrictEqual(
      notices.map((n) => n.code),
      ["edit-not-undone"],
    )
  })

  it("keeps the mode of the main config", () => {
    const given = { version: v2, tree: { [main]: FileState.file("version = 3\n", 0o600) } }
    assert.strictEqual((stateAt(given, main) as { readonly mode: number }).mode, 0o600)
  })

  describe("of containerd 1.x", () => {
    it("is a block in the main config, with a backup of what was there", () => {
      const given = { version: v1, tree: { [main]: FileState.file("version = 2\n", 0o600) } }
      assert.deepStrictEqual(paths(given), [`${main}.bak`, main])
      same(stateAt(given, `${main}.bak`), FileState.file("version = 2\n", 0o600))
      assert.strictEqual(editOf(given)[0]!.kind, "block")
      assert.deepStrictEqual<ReadonlyArray<string>>(Result.getOrThrow(decide(given)).loaded, [main])
    })

    it("is a new file with a marker where there was none", () => {
      const given = { version: v1, tree: { "/etc/hostname": "n" } }
      assert.deepStrictEqual(paths(given), [`${main}.kata-deploy-created`, main])
      assert.match(FileState.textOf(stateAt(given, main)!)!, /^version = 2\n/)
      assert.isTrue(editOf(given)[0]!.createdFile)
    })

    it("does not touch a backup that somebody else made, and never backs up its own block", () => {
      const first = { version: v1, tree: { [main]: "version = 2\n" } }
      const installed = FileState.textOf(stateAt(first, main)!)!
      const facts = { ledger: Node.recorded({ ...empty, edits: editOf(first) }) }
      assert.deepStrictEqual(
        paths({ version: v1, tree: { [main]: installed, [`${main}.bak`]: "theirs" }, facts }),
        [main],
      )
      same(
        stateAt({ version: v1, tree: { [main]: installed }, facts }, `${main}.bak`),
        FileState.file("version = 2\n"),
      )
    })

    it("takes an import of ours out when the daemon became older", () => {
      const imported = editOf({ version: v2, tree: { [main]: "version = 2\n" } })[0]!
      const text = FileState.textOf(
        stateAt(
          {
            version: v1,
            tree: { [main]: `version = 2\nimports = ["${dropIn}"]\n` },
            facts: { ledger: Node.recorded({ ...empty, edits: [imported] }) },
          },
          main,
        )!,
      )!
      assert.notInclude(text, "imports")
      assert.include(text, "kata-qemu")
    })
  })

  describe("with a drop-in of the operator's", () => {
    const user = (state: FileState.FileState, rest: Given = {}): Given => ({
      version: v2,
      tree: { [main]: "version = 3\n" },
      variables: { CONTAINERD_USER_DROP_IN_SOURCE_FILE: "/custom/user.toml" },
      facts: { userDropIn: state },
      ...rest,
    })
    const copy = "/opt/kata/containerd/config.d/zz-kata-deploy-user.toml"

    it("copies it as it is and imports it behind ours", () => {
      const given = user(FileState.file("# mine\nx = 1"))
      assert.deepStrictEqual(paths(given), [dropIn, copy, main])
      same(stateAt(given, copy), FileState.file("# mine\nx = 1"))
      assert.include(FileState.textOf(stateAt(given, main)!)!, `["${dropIn}", "${copy}"]`)
    })

    for (const [what, given, code] of [
      ["that is missing", user(FileState.absent), "E_USER_DROPIN_SOURCE_MISSING"],
      ["that is no TOML", user(FileState.file("x = ")), "E_USER_DROPIN_NOT_TOML"],
      [
        "where there are no drop-ins",
        user(FileState.file(""), { version: v1, tree: { [main]: "version = 2\n" } }),
        "E_USER_DROPIN_NEEDS_DROPIN_MODE",
      ],
    ] as const) {
      it(`refuses one ${what}, before anything is written`, () => {
        assert.deepStrictEqual(codes(given), [code])
      })
    }
  })

  it("refuses a main config whose layout takes no import, naming what to add by hand", () => {
    const given = { version: v2, tree: { [main]: "imports = 'x'\n" } }
    assert.deepStrictEqual(codes(given), ["E_MAIN_CONFIG_LAYOUT"])
    assert.include(Result.getOrThrow(Result.flip(decide(given))).problems[0]!.remedy, dropIn)
  })

  it("of CRI-O needs no file to be looked at", () => {
    assert.deepStrictEqual(paths({ runtime: "crio" }), ["/etc/crio/crio.conf.d/99-kata-deploy"])
  })

  it("has nothing to write over a main config that nobody looked at", () => {
    assert.deepStrictEqual(codes({ version: v2, facts: { files: new Map() } }), [
      "E_CONTAINERD_CONFIG_UNREADABLE",
    ])
  })
})
