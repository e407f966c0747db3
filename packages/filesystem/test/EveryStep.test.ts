/** Ends an upgrade, or lets one call of it fail, at every single step that changes the disk. */
import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { FileState, HostPath, type Ledger } from "@kata-deploy/core"
import { type HostFilesConformance, SampleArchive } from "@kata-deploy/core/testing"
import { Effect, Exit } from "effect"
import fs from "node:fs"
import { join } from "node:path"
import { portOver, type SampleHost, sampleHost } from "./SampleHost.ts"

const into = HostPath.make("/opt/kata")

const owned = (path: string): Ledger.OwnedEntry => ({ type: "file", path, sha256: "", mode: 0o644, size: 1 })

/** What an old release put down. */
const replaces: ReadonlyArray<Ledger.OwnedEntry> = [
  owned("bin/shim"),
  owned("gone/only-old"),
  { type: "directory", path: "gone" },
  { type: "link", path: "share/current", target: "old" },
]

const fixture: HostFilesConformance.Fixture = {
  tree: {
    "/opt/kata/.kata-deploy/staging": FileState.directory(0o700),
    "/opt/kata/bin/shim": FileState.file("old", 0o755),
    "/opt/kata/gone/only-old": "old",
    "/opt/kata/share/current": FileState.link("old"),
    "/opt/kata/theirs": "theirs",
  },
  archives: {
    kernel: [
      SampleArchive.file("bin/shim", "new"),
      SampleArchive.link("share/current", "new"),
      SampleArchive.file("fresh/a", "new"),
      { type: "hard-link", name: "opt/kata/fresh/b", target: "opt/kata/fresh/a" },
    ],
    qemu: [SampleArchive.file("share/firmware", `new${"\0".repeat(200_000)}new`)],
  },
}

const before = {
  "bin/shim": "old",
  "gone/only-old": "old",
  "share/current": "-> old",
  theirs: "theirs",
}

const after = {
  "bin/shim": "new",
  "fresh/a": "new",
  "fresh/b": "new",
  "share/current": "-> new",
  "share/firmware": `new${"\0".repeat(200_000)}new`,
  theirs: "theirs",
}

/** Files and links of the tree by path; the state directory left out. */
const treeOf = (host: SampleHost): Record<string, string> => {
  const root = join(host.root, into)
  const found: Record<string, string> = {}
  for (const path of fs.readdirSync(root, { recursive: true, encoding: "utf8" }).sort()) {
    const stat = fs.lstatSync(join(root, path))
    if (path.startsWith(".kata-deploy") || stat.isDirectory()) continue
    const at = join(root, path)
    found[path] = stat.isSymbolicLink() ? `-> ${fs.readlinkSync(at)}` : fs.readFileSync(at, "utf8")
  }
  return found
}

const upgrade = (host: SampleHost) =>
  portOver(host)
    .extract(
      {
        _tag: "Extract",
        into,
        staging: HostPath.join(into, ".kata-deploy/staging"),
        components: ["kernel", "qemu"].map((name) => {
          const { size } = fs.statSync(join(host.artifacts, name))
          const id = { sha256: "", size, modifiedMs: 0 }
          return { name, archive: name, id, replaces: name === "kernel" ? replaces : [] }
        }),
        except: [],
        owned: "everything",
      },
      () => Effect.void,
      () => Effect.void,
    )
    .pipe(Effect.flatMap((done) => done.commit))

const changing = [
  "chmodSync",
  "fchmodSync",
  "ftruncateSync",
  "futimesSync",
  "linkSync",
  "mkdirSync",
  "renameSync",
  "rmdirSync",
  "symlinkSync",
  "unlinkSync",
  "writeSync",
] as const

/** Lets calls that change the disk fail where `fails` says so of their number; answers how many there were. */
const failing = (fails: (call: number) => boolean, code: string): { readonly calls: () => number } => {
  let calls = 0
  for (const name of changing) {
    const original = fs[name] as (...args: ReadonlyArray<unknown>) => unknown
    vi.spyOn(fs, name).mockImplementation(((...args: ReadonlyArray<unknown>) => {
      calls++
      if (fails(calls)) throw Object.assign(new Error(code), { code })
      return original(...args)
    }) as never)
  }
  return { calls: () => calls }
}

/** Puts the real disk back, but for waiting: hundreds of upgrades are about what is done, not about when it lasts. */
const realDisk = (): void => {
  vi.restoreAllMocks()
  vi.spyOn(fs, "fsyncSync").mockImplementation(() => undefined)
  const done = (_: number, callback: (error: null) => void) => callback(null)
  vi.spyOn(fs, "fsync").mockImplementation(done as typeof fs.fsync)
}

describe("an upgrade that ends at any step", () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it.effect(
    "leaves each file old or new and none torn, and the next run ends right",
    () =>
      Effect.gen(function* () {
        realDisk()
        let mixed = 0
        for (let end = 1; ; end++) {
          const host = yield* sampleHost(fixture)
          // From here on nothing reaches the disk any more, as after `kill -9`.
          failing((call) => call >= end, "EKILLED")
          const exit = yield* Effect.exit(upgrade(host))
          realDisk()
          const left = treeOf(host)
          for (const [path, text] of Object.entries(left)) {
            const possible = [before, after].map((tree) => (tree as Record<string, string>)[path])
            assert.include(possible, text, `${path} after step ${end}`)
          }
          for (const path of ["bin/shim", "share/current", "theirs"])
            assert.property(left, path, `step ${end}`)
          if (
            JSON.stringify(left) !== JSON.stringify(before) &&
            JSON.stringify(left) !== JSON.stringify(after)
          )
            mixed++
          yield* upgrade(host)
          assert.deepStrictEqual(treeOf(host), after, `after the run that follows step ${end}`)
          assert.deepStrictEqual(fs.readdirSync(join(host.root, into, ".kata-deploy/staging")), [])
          if (Exit.isSuccess(exit)) break
        }
        // Old and new are together only between the first and the last rename of five paths.
        assert.isAtMost(mixed, 20)
      }),
    60_000,
  )

  it.effect(
    "takes everything back when one call of it finds the disk full",
    () =>
      Effect.gen(function* () {
        realDisk()
        let tried = 0
        for (let full = 1; ; full++) {
          const host = yield* sampleHost(fixture)
          const { calls } = failing((call) => call === full, "ENOSPC")
          const exit = yield* Effect.exit(upgrade(host))
          const reached = calls() >= full
          realDisk()
          if (!reached) break
          tried++
          // What fails while the leftovers of a finished upgrade are removed changes nothing any more.
          const isOver = JSON.stringify(treeOf(host)) === JSON.stringify(after)
          if (!isOver) {
            assert.isTrue(Exit.isFailure(exit), `call ${full}`)
            assert.deepStrictEqual(treeOf(host), before, `call ${full}`)
          }
          yield* upgrade(host)
          assert.deepStrictEqual(treeOf(host), after, `after the run that follows call ${full}`)
        }
        assert.isAbove(tried, 30)
      }),
    60_000,
  )
})
