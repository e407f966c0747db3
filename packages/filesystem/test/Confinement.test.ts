import { assert, describe, it } from "@effect/vitest"
import { Change, FileState, HostLayout, HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import fs from "node:fs"
import { join } from "node:path"
import { Artifacts } from "../src/Artifacts.ts"
import { Confinement } from "../src/Confinement.ts"
import { openBest, openHeld } from "../src/DirectoryHandle.ts"
import { make } from "../src/NodeHostFiles.ts"
import { plant, portOver, sampleHost, temporaryDirectory } from "./SampleHost.ts"

const at = HostPath.make

const writes = (path: string, text: string) => Change.make(at(path), FileState.absent, FileState.file(text))

describe("Confinement to a whole root", () => {
  it.effect("no link leads a write out of the root, whatever it says", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({ tree: { "/tmp": FileState.directory(), "/etc/real": "" } })
      const outside = join(host.root, "..", "outside")
      fs.mkdirSync(outside)
      const links = { absolute: outside, up: `../../../../../../../..${outside}`, dots: "..", self: "." }
      for (const [name, target] of Object.entries(links)) fs.symlinkSync(target, join(host.root, "etc", name))
      const port = portOver(host)
      for (const name of Object.keys(links)) {
        yield* Effect.exit(port.put(writes(`/etc/${name}/planted`, "x"), at("/tmp")))
      }
      assert.deepStrictEqual(fs.readdirSync(outside), [])
      // `..` and `.` are places below the root, so these two were written there.
      assert.isTrue(fs.existsSync(join(host.root, "planted")))
      assert.isTrue(fs.existsSync(join(host.root, "etc/planted")))
    }),
  )

  it.effect("temporary files do not leave the root either", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({ tree: { "/etc/f": "old" } })
      const outside = join(host.root, "..", "outside")
      fs.mkdirSync(outside)
      fs.symlinkSync(outside, join(host.root, "tmp"))
      const change = Change.make(at("/etc/f"), FileState.file("old"), FileState.file("new"))
      const exit = yield* Effect.exit(portOver(host).put(change, at("/tmp")))
      assert.strictEqual(exit._tag, "Failure")
      assert.deepStrictEqual(fs.readdirSync(outside), [])
      assert.strictEqual(fs.readFileSync(join(host.root, "etc/f"), "utf8"), "old")
    }),
  )

  it.effect("a directory that is exchanged for a link while it is in use stays the one that was opened", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({ tree: { "/etc/conf/f": "inside" } })
      const outside = join(host.root, "..", "outside")
      plant(join(outside, "f"), "outside")
      if (process.platform !== "linux") return
      const confinement = new Confinement(HostLayout.wholeRoot(host.root), openHeld)
      confinement.within(at("/etc/conf/f"), (place) => {
        fs.renameSync(join(host.root, "etc/conf"), join(host.root, "etc/moved"))
        fs.symlinkSync(outside, join(host.root, "etc/conf"))
        fs.writeFileSync(place.at, "written")
      })
      assert.strictEqual(fs.readFileSync(join(outside, "f"), "utf8"), "outside")
      assert.strictEqual(fs.readFileSync(join(host.root, "etc/moved/f"), "utf8"), "written")
    }),
  )

  it.effect("no descriptor stays open, whether a walk succeeds or fails", () =>
    Effect.gen(function* () {
      if (process.platform !== "linux") return
      const host = yield* sampleHost({
        tree: { "/a/b/c/d": "x", "/link": FileState.link("/a/b"), "/loop": FileState.link("loop") },
      })
      const port = portOver(host)
      const open = () => fs.readdirSync("/proc/self/fd").length
      const before = open()
      for (const path of ["/a/b/c/d", "/link/c/d", "/loop/x", "/none/x", "/a/b/c/d/e", "/"]) {
        yield* port.look(at(path))
        yield* port.list(at(path))
        yield* port.fingerprint(at(path))
        yield* port.isMountPoint(at(path))
        yield* port.freeBytes(at(path))
        yield* port.mayWrite(at(path))
        yield* Effect.exit(port.put(writes(path, "x"), at("/none")))
      }
      assert.strictEqual(open(), before)
    }),
  )
})

/** A port with the pod's mounts, all below one directory. */
const podPort = Effect.gen(function* () {
  const directory = yield* temporaryDirectory
  const seen = (path: string) => join(directory, path)
  plant(seen("host-machine-id"), "0123\n")
  plant(seen("etc/containerd/config.toml"), "version = 2\n")
  plant(seen("opt/kata/bin/shim"), "x")
  fs.mkdirSync(seen("host-run-lock"))
  fs.mkdirSync(seen("host-bin"))
  fs.symlinkSync("/usr/local/lib/tool", seen("host-bin/tool"))
  fs.symlinkSync("/opt/kata/bin", seen("host-bin/kata"))
  fs.symlinkSync("../var/lib/elsewhere", seen("host-bin/relative"))
  const pod = HostLayout.pod({
    containerdConfigDir: at("/var/lib/rancher/k3s/agent/etc/containerd"),
    installDir: at("/opt/kata"),
  })
  const layout = { mounts: pod.mounts.map((mount) => ({ ...mount, seen: seen(mount.seen) })) }
  return { directory, port: make(new Confinement(layout, openBest), new Artifacts(seen("artifacts"))) }
})

describe("Confinement to the mounts of a pod", () => {
  it.effect("host paths are found where the pod shows them", () =>
    Effect.gen(function* () {
      const { port } = yield* podPort
      const k3s = "/var/lib/rancher/k3s/agent/etc/containerd"
      const text = (path: string) => Effect.map(port.look(at(path)), FileState.textOf)
      assert.strictEqual(yield* text(`${k3s}/config.toml`), "version = 2\n")
      assert.strictEqual(yield* text("/etc/machine-id"), "0123\n")
      assert.strictEqual((yield* port.look(at("/run/lock")))._tag, "Directory")
      assert.strictEqual((yield* port.look(at("/run/lock/x")))._tag, "Absent")
      assert.deepStrictEqual(yield* port.list(at(k3s)), { _tag: "Names", names: ["config.toml"] })
    }),
  )

  it.effect("what is not mounted is out of sight and not absent", () =>
    Effect.gen(function* () {
      const { port } = yield* podPort
      // `/boot` belongs to the layout, but this pod was started without it.
      for (const path of ["/etc/hostname", "/srv", "/etc/containerd/config.toml", "/boot/config"]) {
        const state = yield* port.look(at(path))
        assert.strictEqual(state._tag === "Unreadable" ? state.why : state._tag, "out-of-sight", path)
        assert.strictEqual((yield* port.list(at(path)))._tag, "Unreadable")
        assert.deepInclude(yield* port.mayWrite(at(path)), { _tag: "Unknown", how: "out-of-sight" })
        assert.deepInclude(yield* port.isMountPoint(at(path)), { _tag: "Unknown", how: "out-of-sight" })
      }
      const error = yield* Effect.flip(port.put(writes("/etc/hostname", "x"), at("/run/lock")))
      assert.include(error.message, "not mounted")
    }),
  )

  it.effect("what is mounted proves the directories above it, which nobody can look into", () =>
    Effect.gen(function* () {
      const { port } = yield* podPort
      for (const path of ["/", "/var/lib", "/opt"]) {
        assert.strictEqual((yield* port.look(at(path)))._tag, "Directory", path)
        assert.strictEqual((yield* port.list(at(path)))._tag, "Unreadable", path)
      }
    }),
  )

  it.effect("a link from one mount into another is followed, one into the unseen escapes", () =>
    Effect.gen(function* () {
      const { directory, port } = yield* podPort
      assert.strictEqual(FileState.textOf(yield* port.look(at("/bin/kata/shim"))), "x")
      for (const [link, path] of [
        ["/bin/tool", "/bin/tool/x"],
        ["/bin/relative", "/bin/relative/x"],
      ] as const) {
        const state = yield* port.look(at(path))
        assert.strictEqual(state._tag === "Unreadable" ? state.why : state._tag, "escapes-root")
        const error = yield* Effect.flip(port.put(writes(path, "x"), at("/run/lock")))
        assert.deepStrictEqual(error.reason, { _tag: "EscapesRoot", via: link })
      }
      assert.isFalse(fs.existsSync(join(directory, "usr")))
    }),
  )
})
