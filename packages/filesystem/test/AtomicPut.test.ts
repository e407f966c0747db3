import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { Change, FileState, HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import fs from "node:fs"
import { join } from "node:path"
import { portOver, sampleHost } from "./SampleHost.ts"

const at = HostPath.make
const tmp = at("/tmp")

const errno = (code: string): Error => Object.assign(new Error(code), { code })

const replacing = (path: string, before: string, after: string) =>
  Change.make(at(path), FileState.file(before), FileState.file(after))

const withFile = (text: string) => sampleHost({ tree: { "/etc/f": text, "/tmp": FileState.directory() } })

describe("put", () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it.effect("the new file is renamed into place: whoever has the old one open keeps it", () =>
    Effect.gen(function* () {
      const host = yield* withFile("old")
      const fd = fs.openSync(join(host.root, "etc/f"), "r")
      yield* portOver(host).put(replacing("/etc/f", "old", "new"), tmp)
      assert.strictEqual(fs.readFileSync(fd, "utf8"), "old")
      fs.closeSync(fd)
      assert.strictEqual(fs.readFileSync(join(host.root, "etc/f"), "utf8"), "new")
    }),
  )

  it.effect("the mode is exact whatever the umask says", () =>
    Effect.gen(function* () {
      const host = yield* withFile("old")
      const port = portOver(host)
      const umask = process.umask(0o077)
      yield* port
        .put(Change.make(at("/etc/new"), FileState.absent, FileState.file("x", 0o666)), tmp)
        .pipe(
          Effect.andThen(port.put(Change.make(at("/d"), FileState.absent, FileState.directory(0o777)), tmp)),
        )
        .pipe(Effect.ensuring(Effect.sync(() => process.umask(umask))))
      assert.strictEqual(fs.statSync(join(host.root, "etc/new")).mode & 0o7777, 0o666)
      assert.strictEqual(fs.statSync(join(host.root, "d")).mode & 0o7777, 0o777)
    }),
  )

  it.effect("the owner of a replaced file is kept", () =>
    Effect.gen(function* () {
      const host = yield* withFile("old")
      const mayChown = process.getuid?.() === 0
      if (mayChown) fs.chownSync(join(host.root, "etc/f"), 1234, 4321)
      const before = fs.statSync(join(host.root, "etc/f"))
      yield* portOver(host).put(replacing("/etc/f", "old", "new"), tmp)
      const { gid, uid } = fs.statSync(join(host.root, "etc/f"))
      assert.deepStrictEqual({ uid, gid }, { uid: before.uid, gid: before.gid })
    }),
  )

  for (const code of ["EXDEV", "EBUSY"]) {
    it.effect(`a target that cannot be renamed over (${code}) is written in place, longer or shorter`, () =>
      Effect.gen(function* () {
        const host = yield* withFile("old")
        const port = portOver(host)
        const file = join(host.root, "etc/f")
        const inode = fs.statSync(file).ino
        vi.spyOn(fs, "renameSync").mockImplementation(() => {
          throw errno(code)
        })
        yield* port.put(replacing("/etc/f", "old", "a longer text"), tmp)
        yield* port.put(replacing("/etc/f", "a longer text", "s"), tmp)
        assert.strictEqual(fs.readFileSync(file, "utf8"), "s")
        assert.strictEqual(fs.statSync(file).ino, inode)
        assert.deepStrictEqual(fs.readdirSync(join(host.root, "tmp")), [])
      }),
    )
  }

  it.effect("a write in place that fails half-way puts the old bytes back", () =>
    Effect.gen(function* () {
      const host = yield* withFile("old")
      vi.spyOn(fs, "renameSync").mockImplementation(() => {
        throw errno("EBUSY")
      })
      const truncate = vi.spyOn(fs, "ftruncateSync").mockImplementationOnce(() => {
        throw errno("ENOSPC")
      })
      const error = yield* Effect.flip(portOver(host).put(replacing("/etc/f", "old", "a longer text"), tmp))
      assert.deepStrictEqual(error.reason, { _tag: "NoSpace" })
      assert.strictEqual(truncate.mock.calls.length, 2)
      assert.strictEqual(fs.readFileSync(join(host.root, "etc/f"), "utf8"), "old")
    }),
  )

  for (const [name, code, tag] of [
    ["fsyncSync", "ENOSPC", "NoSpace"],
    ["fsyncSync", "EIO", "Io"],
    ["writeSync", "EDQUOT", "NoSpace"],
    ["fchmodSync", "EROFS", "ReadOnly"],
    ["renameSync", "EACCES", "Denied"],
  ] as const) {
    it.effect(`when ${name} fails with ${code}, the file is as it was and nothing temporary stays`, () =>
      Effect.gen(function* () {
        const host = yield* withFile("old")
        vi.spyOn(fs, name).mockImplementation(() => {
          throw errno(code)
        })
        const error = yield* Effect.flip(portOver(host).put(replacing("/etc/f", "old", "new"), tmp))
        assert.strictEqual(error.reason._tag, tag)
        assert.strictEqual(error.path, at("/etc/f"))
        assert.strictEqual(fs.readFileSync(join(host.root, "etc/f"), "utf8"), "old")
        assert.deepStrictEqual(fs.readdirSync(join(host.root, "tmp")), [])
      }),
    )
  }

  it.effect("a change by somebody else while the new file is being written is seen", () =>
    Effect.gen(function* () {
      const host = yield* withFile("old")
      const sync = fs.fsyncSync
      vi.spyOn(fs, "fsyncSync").mockImplementationOnce((fd) => {
        fs.writeFileSync(join(host.root, "etc/f"), "theirs")
        sync(fd)
      })
      const error = yield* Effect.flip(portOver(host).put(replacing("/etc/f", "old", "new"), tmp))
      assert.strictEqual(error.reason._tag, "Drifted")
      assert.strictEqual(fs.readFileSync(join(host.root, "etc/f"), "utf8"), "theirs")
      assert.deepStrictEqual(fs.readdirSync(join(host.root, "tmp")), [])
    }),
  )

  it.effect("a link of somebody else in the file's place is not written through", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({ tree: { "/secret": "s", "/tmp": FileState.directory() } })
      fs.symlinkSync("/secret", join(host.root, "f"))
      const error = yield* Effect.flip(portOver(host).put(replacing("/f", "s", "new"), tmp))
      assert.strictEqual(error.reason._tag, "Drifted")
      assert.strictEqual(fs.readFileSync(join(host.root, "secret"), "utf8"), "s")
    }),
  )
})
