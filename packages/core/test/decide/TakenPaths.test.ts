import { assert, describe, it } from "@effect/vitest"
import { HostError, type HostFiles, HostPath, Ledger, TakenPaths } from "../../src/index.ts"

const into = HostPath.make("/opt/kata")
const ownPath = (path: string) => HostPath.join(into, path)

const file = (path: string, content = "new"): Ledger.OwnedEntry => ({
  type: "file",
  path,
  sha256: content,
  mode: 0o644,
  size: content.length,
})
const directory = (path: string): Ledger.OwnedEntry => ({ type: "directory", path })
const link = (path: string, target: string): Ledger.OwnedEntry => ({ type: "link", path, target })

const found = (digest: string): HostFiles.Fingerprint => ({
  _tag: "File",
  size: digest.length,
  mode: 0o600,
  digest,
})

/** What is at each path, nothing elsewhere; remembers who was asked for. */
const sightOf = (tree: Readonly<Record<string, HostFiles.Fingerprint>>) => {
  const looked: Array<string> = []
  const read: Array<string> = []
  const at = (path: string): HostFiles.Fingerprint => tree[path] ?? { _tag: "Absent" }
  const sight: TakenPaths.Sight = {
    look: (path) => {
      looked.push(path)
      const there = at(path)
      return there._tag === "File" ? { ...there, digest: "" } : there
    },
    read: (path) => {
      read.push(path)
      return at(path)
    },
  }
  return { looked, read, sight }
}

const taken = (
  entries: ReadonlyArray<Ledger.OwnedEntry>,
  tree: Readonly<Record<string, HostFiles.Fingerprint>>,
  whose: Partial<TakenPaths.Arrival> = {},
): ReadonlyArray<string> =>
  TakenPaths.takenBy({ entries, replaces: [], owned: [], ...whose }, sightOf(tree).sight)

describe("the paths that somebody else has taken", () => {
  it("are those where something else is that no ledger of ours names, sorted", () => {
    const entries = [file("b"), link("a", "x"), file("c"), file("free"), file("d")]
    const tree = {
      a: { _tag: "Link", target: "y" },
      b: found("old"),
      c: { _tag: "Link", target: "new" },
      d: { _tag: "Directory" },
    } as const
    assert.deepStrictEqual(taken(entries, tree), ["a", "b", "c", "d"])
    assert.deepStrictEqual(taken(entries, tree, { owned: ["b"], replaces: [file("a"), file("d")] }), ["c"])
    assert.deepStrictEqual(taken(entries, tree, { owned: "everything" }), [])
  })

  it("are not those where the very same is, whatever its mode", () => {
    const tree = { a: found("new"), l: { _tag: "Link", target: "t" } } as const
    assert.deepStrictEqual(taken([file("a"), link("l", "t")], tree), [])
  })

  it("are those of files with the same size and other bytes", () => {
    assert.deepStrictEqual(taken([file("a", "new")], { a: found("old") }), ["a"])
  })

  it("are those that cannot be looked at, since they may be somebody's", () => {
    const tree = { a: { _tag: "Unreadable", detail: "no permission" } } as const
    assert.deepStrictEqual(taken([file("a")], tree), ["a"])
  })

  it("are those where a directory has to be and something else is, told once and not for all below", () => {
    const entries = [directory("d"), file("d/x"), directory("d/e"), file("d/e/y")]
    assert.deepStrictEqual(taken(entries, { d: { _tag: "Link", target: "/srv" } }), ["d"])
    assert.deepStrictEqual(taken(entries, { d: { _tag: "Directory" }, "d/x": found("old") }), ["d/x"])
  })
})

describe("what is looked at", () => {
  it("is nothing below a directory that is not there, and nothing that is ours", () => {
    const { looked, read, sight } = sightOf({ own: found("old") })
    const entries = [directory("d"), file("d-b"), directory("d/e"), file("d/e/x"), file("d/y"), file("own")]
    assert.deepStrictEqual(TakenPaths.takenBy({ entries, replaces: [], owned: ["own"] }, sight), [])
    assert.deepStrictEqual(looked, ["d", "d-b"])
    assert.deepStrictEqual(read, [])
  })

  it("is a directory of ours all the same, since nothing is below one that is gone", () => {
    const { looked, sight } = sightOf({})
    const entries = [directory("d"), file("d/x")]
    assert.deepStrictEqual(TakenPaths.takenBy({ entries, replaces: [], owned: ["d"] }, sight), [])
    assert.deepStrictEqual(looked, ["d"])
  })

  it("is the content of a file only where its size is the same", () => {
    const { read, sight } = sightOf({ a: found("longer"), b: found("old") })
    const entries = [file("a"), file("b")]
    assert.deepStrictEqual(TakenPaths.takenBy({ entries, replaces: [], owned: [] }, sight), ["a", "b"])
    assert.deepStrictEqual(read, ["b"])
  })
})

describe("the refusal", () => {
  const refusal = (count: number) =>
    TakenPaths.refusal(
      {
        entries: Array.from({ length: count }, (_, at) => file(`f${at + 10}`)),
        replaces: [],
        owned: [],
      },
      into,
      { look: () => ({ _tag: "Directory" }), read: () => ({ _tag: "Absent" }) },
    )

  it("is none where nothing is in the way", () => {
    assert.strictEqual(refusal(0), undefined)
  })

  it("names all of a few paths", () => {
    const reason = refusal(2)
    assert(reason !== undefined)
    assert.deepStrictEqual(reason, { _tag: "Taken", paths: [ownPath("f10"), ownPath("f11")], count: 2 })
    assert.include(HostError.describe(reason), "/opt/kata/f10, /opt/kata/f11 are there already")
  })

  it("names the first of many, and says how many more there are", () => {
    const reason = refusal(50)
    assert(reason?._tag === "Taken")
    assert.strictEqual(reason.paths.length, 20)
    assert.include(HostError.describe(reason), "/opt/kata/f29 and 30 more are there already")
  })
})

describe("what a ledger owns below the install directory", () => {
  const empty = Ledger.empty("default", "1", "containerd")

  it("is what came out of archives, its own files and its directories, and nothing elsewhere", () => {
    const ledger: Ledger.Ledger = {
      ...empty,
      components: [
        { name: "kernel", archive: { sha256: "", size: 0, modifiedMs: 0 }, entries: [file("share/vmlinux")] },
      ],
      files: [
        { path: ownPath("versions.yaml"), stage: "artifacts", digest: null },
        { path: HostPath.make("/etc/containerd/conf.d/kata-deploy.toml"), stage: "cri", digest: null },
      ],
      directories: [into, ownPath("share")],
    }
    assert.deepStrictEqual(TakenPaths.ownedBelow(ledger, into), ["share/vmlinux", "versions.yaml", "share"])
  })

  it("is everything where an older install was taken over", () => {
    assert.strictEqual(TakenPaths.ownedBelow({ ...empty, adopted: "everything" }, into), "everything")
  })
})
