import { chmodSync, mkdirSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import {
  compare,
  extent,
  format,
  type SnapshotEntry,
  take,
  type TreeSnapshot,
} from "../../src/trial/TreeSnapshot.ts"
import { temporaryDirectory } from "./TemporaryDirectory.ts"

const tree = (): string => {
  const root = temporaryDirectory()
  mkdirSync(join(root, "etc"))
  writeFileSync(join(root, "etc/hostname"), "node-1\n")
  chmodSync(join(root, "etc/hostname"), 0o644)
  writeFileSync(join(root, "etc/other"), "other\n")
  symlinkSync("hostname", join(root, "etc/name"))
  return root
}

const differencesAfter = async (change: (root: string) => void): Promise<ReadonlyArray<string>> => {
  const root = tree()
  const before = await Effect.runPromise(take(root))
  change(root)
  return format(compare(before, await Effect.runPromise(take(root))))
}

describe("comparing two snapshots of a tree", () => {
  it("finds nothing when only times have changed", async () => {
    expect(await differencesAfter((root) => utimesSync(join(root, "etc/hostname"), 1, 1))).toEqual([])
  })

  it("finds nothing when a file was written again with the same bytes", async () => {
    const rewrite = (root: string) => {
      rmSync(join(root, "etc/hostname"))
      writeFileSync(join(root, "etc/hostname"), "node-1\n")
      chmodSync(join(root, "etc/hostname"), 0o644)
    }
    expect(await differencesAfter(rewrite)).toEqual([])
  })

  it("finds what appeared, also an empty directory", async () => {
    expect(await differencesAfter((root) => mkdirSync(join(root, "opt")))).toEqual([
      "opt: a directory that was not there",
    ])
  })

  it("finds what disappeared", async () => {
    expect(await differencesAfter((root) => unlinkSync(join(root, "etc/other")))).toEqual([
      "etc/other: the file is gone",
    ])
  })

  it("finds other bytes of the same length", async () => {
    expect(await differencesAfter((root) => writeFileSync(join(root, "etc/hostname"), "node-2\n"))).toEqual([
      "etc/hostname: bytes differ (was 7 bytes, is 7)",
    ])
  })

  it("finds another mode", async () => {
    expect(await differencesAfter((root) => chmodSync(join(root, "etc/hostname"), 0o600))).toEqual([
      "etc/hostname: mode was 0644, is 0600",
    ])
  })

  it("finds another link target", async () => {
    const repoint = (root: string) => {
      unlinkSync(join(root, "etc/name"))
      symlinkSync("other", join(root, "etc/name"))
    }
    expect(await differencesAfter(repoint)).toEqual(["etc/name: pointed to hostname, points to other"])
  })

  it("finds a file in the place of a link, and says nothing else about it", async () => {
    const replace = (root: string) => {
      unlinkSync(join(root, "etc/name"))
      writeFileSync(join(root, "etc/name"), "node-1\n")
    }
    expect(await differencesAfter(replace)).toEqual(["etc/name: was a link, is a file"])
  })

  it("finds another owner", () => {
    const entry: SnapshotEntry = { type: "file", mode: 0o644, owner: "0:0", size: 0, content: "" }
    const before: TreeSnapshot = new Map([["etc/hostname", entry]])
    const after: TreeSnapshot = new Map([["etc/hostname", { ...entry, owner: "1000:1000" }]])
    expect(format(compare(before, after))).toEqual(["etc/hostname: owner was 0:0, is 1000:1000"])
  })

  it("reports every difference of one path, and paths in order", async () => {
    const change = (root: string) => {
      writeFileSync(join(root, "etc/other"), "")
      chmodSync(join(root, "etc/other"), 0o700)
      mkdirSync(join(root, "a"))
    }
    expect((await differencesAfter(change)).map((line) => line.split(":")[0])).toEqual([
      "a",
      "etc/other",
      "etc/other",
    ])
  })
})

describe("taking a snapshot", () => {
  it("does not follow links out of the tree", async () => {
    const root = tree()
    symlinkSync("/", join(root, "everything"))
    const snapshot = await Effect.runPromise(take(root))
    expect(snapshot.get("everything")).toMatchObject({ type: "link", content: "/" })
    expect([...snapshot.keys()]).toEqual([".", "etc", "etc/hostname", "etc/name", "etc/other", "everything"])
  })

  it("counts files and bytes", async () => {
    expect(extent(await Effect.runPromise(take(tree())))).toEqual({ files: 2, bytes: 13 })
  })

  it("says which tree could not be read", async () => {
    const error = await Effect.runPromise(Effect.flip(take("/nowhere/at/all")))
    expect(error.message).toContain("reading the tree /nowhere/at/all")
  })
})
