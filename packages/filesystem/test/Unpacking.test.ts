import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import type { HostLayout } from "@kata-deploy/core"
import { FileState, HostPath } from "@kata-deploy/core"
import { type HostFilesConformance, SampleArchive } from "@kata-deploy/core/testing"
import { Deferred, Effect, Fiber } from "effect"
import { execFileSync } from "node:child_process"
import fs from "node:fs"
import { join } from "node:path"
import zlib from "node:zlib"
import { pack } from "tar-stream"
import { Artifacts } from "../src/Artifacts.ts"
import { Confinement } from "../src/Confinement.ts"
import { alone, crews } from "../src/Crew.ts"
import { make } from "../src/NodeHostFiles.ts"
import { packed, portOver, type SampleHost, sampleHost } from "./SampleHost.ts"

const into = HostPath.make("/opt/kata")
const stateDir = HostPath.make("/opt/kata/.kata-deploy")

const actionOf = (host: SampleHost, archives: ReadonlyArray<string>) => ({
  _tag: "Extract" as const,
  into,
  staging: HostPath.join(stateDir, "staging"),
  components: archives.map((archive) => {
    const { size } = fs.statSync(join(host.artifacts, archive))
    return { name: archive, archive, id: { sha256: "", size, modifiedMs: 0 }, replaces: [] }
  }),
  except: [],
  owned: "everything" as const,
})

const extract = (host: SampleHost, ...archives: ReadonlyArray<string>) =>
  portOver(host).extract(
    actionOf(host, archives),
    () => Effect.void,
    () => Effect.void,
  )

/** Every path below a directory with what is there, inodes and all, so that "untouched" means untouched. */
const inventory = (directory: string): ReadonlyArray<string> =>
  fs
    .readdirSync(directory, { recursive: true, encoding: "utf8" })
    .sort()
    .map((path) => {
      const { ino, mode, size } = fs.lstatSync(join(directory, path))
      // The size of a directory is the filesystem's business.
      return `${path} ${mode.toString(8)} ${ino} ${fs.lstatSync(join(directory, path)).isDirectory() ? "" : size}`
    })

const installed: HostFilesConformance.Fixture = {
  tree: {
    "/opt/kata/.kata-deploy/staging": FileState.directory(0o700),
    "/opt/kata/bin/shim": FileState.file("old", 0o755),
    "/opt/kata/share/current": FileState.link("old"),
    "/opt/kata/theirs": "x",
  },
  archives: {
    kernel: [
      SampleArchive.file("bin/shim", "new"),
      SampleArchive.link("share/current", "new"),
      SampleArchive.file("share/a", "a"),
      SampleArchive.file("share/b", "b"),
    ],
  },
}

const errno = (code: string): Error => Object.assign(new Error(code), { code })

describe("unpacking components", () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it.effect("a program that is running keeps the file that it was started from", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost(installed)
      const fd = fs.openSync(join(host.root, "opt/kata/bin/shim"), "r")
      const done = yield* extract(host, "kernel")
      yield* done.commit
      assert.strictEqual(fs.readFileSync(fd, "utf8"), "old")
      fs.closeSync(fd)
      assert.strictEqual(fs.readFileSync(join(host.root, "opt/kata/bin/shim"), "utf8"), "new")
    }),
  )

  it.effect("needs nothing above the directory that a pod has mounted", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({ ...installed, tree: { "/opt/kata": FileState.directory() } })
      const layout: HostLayout.HostLayout = { mounts: [{ host: into, seen: join(host.root, "opt/kata") }] }
      const workers = crews(alone())
      const port = make(new Confinement(layout), new Artifacts(host.artifacts, workers), workers)
      const done = yield* port.extract(
        actionOf(host, ["kernel"]),
        () => Effect.void,
        () => Effect.void,
      )
      yield* done.commit
      assert.strictEqual(fs.readFileSync(join(host.root, "opt/kata/bin/shim"), "utf8"), "new")
    }),
  )

  it.effect("taking it back gives the very same files, not copies", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost(installed)
      const before = inventory(join(host.root, "opt"))
      const done = yield* extract(host, "kernel")
      assert.notDeepEqual(inventory(join(host.root, "opt")), before)
      yield* done.revert
      assert.deepStrictEqual(inventory(join(host.root, "opt")), before)
    }),
  )

  it.effect("an install directory that was made for it goes with it", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({ archives: { kernel: [SampleArchive.file("bin/shim", "x")] } })
      const done = yield* extract(host, "kernel")
      yield* done.revert
      assert.deepStrictEqual(fs.readdirSync(host.root), [])
      const again = yield* extract(host, "kernel")
      yield* again.commit
      assert.deepStrictEqual(fs.readdirSync(join(host.root, "opt/kata")), ["bin"])
    }),
  )

  it.effect("times are kept, and runs of zeros take no space", () =>
    Effect.gen(function* () {
      const bytes = 8 * 1024 * 1024
      const image = `head${"\0".repeat(bytes)}tail`
      const host = yield* sampleHost({ archives: { image: [SampleArchive.file("image", image)] } })
      const done = yield* extract(host, "image")
      yield* done.commit
      const stat = fs.statSync(join(host.root, "opt/kata/image"))
      assert.strictEqual(stat.size, image.length)
      assert.strictEqual(stat.mtimeMs, 1_700_000_000_000)
      assert.isBelow(stat.blocks * 512, bytes / 4)
      assert.isTrue(fs.readFileSync(join(host.root, "opt/kata/image"), "latin1") === image)
    }),
  )

  it.effect("hard links of an archive stay one file", () =>
    Effect.gen(function* () {
      const entries: SampleArchive.SampleArchive = [
        SampleArchive.file("a", "x"),
        { type: "hard-link", name: "opt/kata/b", target: "opt/kata/a" },
      ]
      const host = yield* sampleHost({ archives: { linked: entries } })
      const done = yield* extract(host, "linked")
      yield* done.commit
      const inode = (name: string) => fs.statSync(join(host.root, "opt/kata", name)).ino
      assert.strictEqual(inode("a"), inode("b"))
    }),
  )

  it.effect("what a crashed run left in staging goes, and nothing that its links point to", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({
        ...installed,
        tree: {
          ...installed.tree,
          "/home/file": "theirs",
          "/opt/kata/.kata-deploy/staging/unpacked/half": "x",
          "/opt/kata/.kata-deploy/staging/unpacked/home": FileState.link("/home"),
          "/opt/kata/.kata-deploy/staging/out": FileState.link("../../../../home"),
          "/opt/kata/.kata-deploy/staging/.kata-deploy-1.tmp": "x",
        },
      })
      fs.symlinkSync(join(host.root, "home"), join(host.root, "opt/kata/.kata-deploy/staging/really"))
      const done = yield* extract(host, "kernel")
      yield* done.commit
      assert.deepStrictEqual(fs.readdirSync(join(host.root, "opt/kata/.kata-deploy/staging")), [])
      assert.deepStrictEqual(fs.readdirSync(join(host.root, "home")), ["file"])
    }),
  )

  for (const [name, code, tag] of [
    ["writeSync", "ENOSPC", "NoSpace"],
    ["ftruncateSync", "EDQUOT", "NoSpace"],
    ["mkdirSync", "EACCES", "Denied"],
    ["symlinkSync", "EIO", "Io"],
  ] as const) {
    it.effect(`when ${name} fails with ${code}, every file is the one that it was`, () =>
      Effect.gen(function* () {
        const host = yield* sampleHost(installed)
        const before = inventory(join(host.root, "opt"))
        vi.spyOn(fs, name).mockImplementation(() => {
          throw errno(code)
        })
        const error = yield* Effect.flip(extract(host, "kernel"))
        assert.strictEqual(error.reason._tag, tag)
        assert.deepStrictEqual(inventory(join(host.root, "opt")), before)
      }),
    )
  }

  it.effect("when a file cannot be synced, every file is the one that it was", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost(installed)
      const before = inventory(join(host.root, "opt"))
      const failing = (_: number, done: (error: Error) => void) => done(errno("EIO"))
      vi.spyOn(fs, "fsync").mockImplementation(failing as typeof fs.fsync)
      const error = yield* Effect.flip(extract(host, "kernel"))
      assert.deepStrictEqual(error.reason, { _tag: "Io", code: "EIO" })
      assert.deepStrictEqual(inventory(join(host.root, "opt")), before)
    }),
  )

  for (const nth of [1, 2, 3, 4]) {
    it.effect(`when rename ${nth} of the swap fails, every file is the one that it was`, () =>
      Effect.gen(function* () {
        const host = yield* sampleHost(installed)
        const before = inventory(join(host.root, "opt"))
        const rename = fs.renameSync
        let calls = 0
        vi.spyOn(fs, "renameSync").mockImplementation((from, to) => {
          calls++
          if (calls === nth) throw errno("EIO")
          rename(from, to)
        })
        const error = yield* Effect.flip(extract(host, "kernel"))
        assert.deepStrictEqual(error.reason, { _tag: "Io", code: "EIO" })
        assert.deepStrictEqual(inventory(join(host.root, "opt")), before)
      }),
    )
  }

  it.effect("a file that something is mounted on is named, and so is one that may not be replaced", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost(installed)
      const before = inventory(join(host.root, "opt"))
      const link = vi.spyOn(fs, "linkSync")
      for (const [code, said] of [
        ["EXDEV", "something is mounted on it"],
        ["EACCES", "no permission"],
      ] as const) {
        link.mockImplementation(() => {
          throw errno(code)
        })
        const { message } = yield* Effect.flip(extract(host, "kernel"))
        assert.strictEqual(message, `Could not replace /opt/kata/bin/shim: ${said}`)
      }
      assert.deepStrictEqual(inventory(join(host.root, "opt")), before)
    }),
  )

  it.effect("where a second name cannot be given, the old file is moved aside", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost(installed)
      const before = inventory(join(host.root, "opt"))
      vi.spyOn(fs, "linkSync").mockImplementation(() => {
        throw errno("EPERM")
      })
      const done = yield* extract(host, "kernel")
      yield* done.revert
      assert.deepStrictEqual(inventory(join(host.root, "opt")), before)
    }),
  )

  it.effect("more than the free space is not written", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost(installed)
      const before = inventory(join(host.root, "opt"))
      vi.spyOn(fs, "statfsSync").mockReturnValue({ bavail: 2, bsize: 512 } as fs.StatsFs)
      const error = yield* Effect.flip(extract(host, "kernel"))
      assert.deepStrictEqual(error.reason, { _tag: "NoSpace" })
      assert.deepStrictEqual(inventory(join(host.root, "opt")), before)
    }),
  )

  it.effect("interrupted while it unpacks, it leaves everything as it was", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost(installed)
      const before = inventory(join(host.root, "opt"))
      const begun = yield* Deferred.make<void>()
      const halted = Deferred.succeed(begun, undefined).pipe(Effect.andThen(Effect.never))
      const fiber = yield* Effect.forkChild(
        portOver(host).extract(
          actionOf(host, ["kernel"]),
          () => halted,
          () => Effect.void,
        ),
      )
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(inventory(join(host.root, "opt")), before)
    }),
  )

  it.effect("is interrupted while it unpacks also where whoever asked for it may not be", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost(installed)
      const before = inventory(join(host.root, "opt"))
      const begun = yield* Deferred.make<void>()
      const halted = Deferred.succeed(begun, undefined).pipe(Effect.andThen(Effect.never))
      const extraction = portOver(host).extract(
        actionOf(host, ["kernel"]),
        () => halted,
        () => Effect.void,
      )
      const fiber = yield* Effect.forkChild(Effect.uninterruptible(extraction))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(inventory(join(host.root, "opt")), before)
    }),
  )

  it.effect("interrupted after that, it is done, and whoever may not be interrupted gets the way back", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost(installed)
      const before = inventory(join(host.root, "opt"))
      const staged = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const extraction = portOver(host).extract(
        actionOf(host, ["kernel"]),
        () => Effect.void,
        () => Effect.andThen(Deferred.succeed(staged, undefined), Deferred.await(goOn)),
      )
      let back: Effect.Effect<void, unknown> | undefined
      const fiber = yield* Effect.forkChild(
        Effect.uninterruptible(Effect.tap(extraction, ({ revert }) => Effect.sync(() => (back = revert)))),
      )
      yield* Deferred.await(staged)
      const ending = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* Effect.yieldNow
      yield* Deferred.succeed(goOn, undefined)
      yield* Fiber.join(ending)
      assert.isDefined(back)
      yield* back!
      assert.deepStrictEqual(inventory(join(host.root, "opt")), before)
    }),
  )

  it.effect("no descriptor stays open, whether it succeeds or fails", () =>
    Effect.gen(function* () {
      if (process.platform !== "linux") return
      const host = yield* sampleHost(installed)
      fs.writeFileSync(join(host.artifacts, "bad"), "no archive")
      const open = () => fs.readdirSync("/proc/self/fd").length
      const settled = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      yield* settled
      const before = open()
      yield* Effect.exit(extract(host, "kernel", "bad"))
      const done = yield* extract(host, "kernel")
      yield* done.commit
      yield* settled
      assert.isAtMost(open(), before)
    }),
  )

  it.effect("a name with NUL, as only an extended header can carry it, is refused", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost(installed)
      const packing = pack()
      packing.entry({ name: "opt/kata/x", pax: { path: "opt/kata/a\0b" } }, "x")
      const tar = yield* Effect.promise(() => packed(packing))
      fs.writeFileSync(join(host.artifacts, "nul"), zlib.zstdCompressSync(tar))
      const error = yield* Effect.flip(extract(host, "nul"))
      assert.deepInclude(error.reason, { _tag: "BadArchive", archive: "nul", entry: "opt/kata/a\0b" })
    }),
  )

  it.effect("archives of GNU tar are read, extended headers and all", () =>
    Effect.gen(function* () {
      // Other systems have another `tar`.
      if (process.platform !== "linux") return
      const host = yield* sampleHost({})
      const source = join(host.artifacts, "source")
      const long = `${"deep/".repeat(30)}${"n".repeat(120)}`
      fs.mkdirSync(join(source, "opt/kata", "deep/".repeat(30)), { recursive: true })
      fs.writeFileSync(join(source, "opt/kata", long), "deep")
      fs.writeFileSync(join(source, "opt/kata/ümlaut"), "ü")
      for (const format of ["gnu", "pax", "ustar"]) {
        const options = ["--format", format, "-C", source, "-cf", "-"]
        const names = format === "ustar" ? ["opt/kata/ümlaut"] : ["./opt"]
        const tar = execFileSync("tar", [...options, ...names])
        fs.writeFileSync(join(host.artifacts, format), zlib.zstdCompressSync(tar))
        const done = yield* extract(host, format)
        assert.strictEqual(fs.readFileSync(join(host.root, "opt/kata/ümlaut"), "utf8"), "ü")
        if (format !== "ustar") {
          assert.strictEqual(fs.readFileSync(join(host.root, "opt/kata", long), "utf8"), "deep")
        }
        yield* done.revert
      }
    }),
  )
})
