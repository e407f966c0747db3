import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { FileState, Ledger, Run } from "../../src/index.ts"
import { SampleArchive } from "../../src/testing/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const vanilla = hosts.find((host) => host.name === "vanilla containerd 2.1")!
const both = { ...vanilla.variables, SHIMS_X86_64: "qemu qemu-runtime-rs" }
const one = { ...vanilla.variables, SHIMS_X86_64: "qemu" }
const dropIn = Node.path("/opt/kata/containerd/config.d/kata-deploy.toml")
const program = Node.path("/opt/kata/runtime-rs/bin/containerd-shim-kata-v2")
const config = Node.path(
  "/opt/kata/share/defaults/kata-containers/runtime-rs/runtimes/qemu-runtime-rs/configuration-qemu-runtime-rs.toml",
)
const ledgerPath = Node.path("/opt/kata/.kata-deploy/ledger.json")

const installed = Effect.fnUntraced(function* () {
  const files = Node.host(vanilla.tree)
  yield* Run.run(Node.request("install", both)).pipe(Node.on(files))
  assert.strictEqual(files.tree.get(config)._tag, "File")
  files.faults.reset()
  const run = (action: Run.Request["action"]) => Run.run(Node.request(action, one)).pipe(Node.on(files))
  const offers = (handler: string) =>
    FileState.textOf(files.tree.get(dropIn))!.includes(`runtimes.${handler}]`)
  const isThere = () => [program, config].map((path) => files.tree.get(path)._tag)
  const ledger = () => Result.getOrThrow(Ledger.decode(FileState.textOf(files.tree.get(ledgerPath))!))
  return { files, run, offers, isThere, ledger }
})

describe("a shim that the settings no longer name", () => {
  it.effect("loses its program only after the CRI runtime has lost its handler", () =>
    Effect.gen(function* () {
      const { files, isThere, offers, run } = yield* installed()
      yield* run("install")
      assert.isFalse(offers("kata-qemu-runtime-rs"))
      assert.deepStrictEqual(isThere(), ["Absent", "Absent"])
      const done = files.faults.operations.map((o) => `${o.verb} ${o.subject}`)
      assert.isBelow(done.indexOf(`put ${dropIn}`), done.indexOf("remove tree /opt/kata"))
      assert.isBelow(done.indexOf(`put ${dropIn}`), done.indexOf(`put ${config}`))
    }),
  )

  it.effect("keeps its program where the handler could not be taken away, and loses it in the next run", () =>
    Effect.gen(function* () {
      const { files, isThere, offers, run } = yield* installed()
      files.faults.failOn(dropIn, { _tag: "NoSpace" }, 1)
      yield* run("install").pipe(Effect.flip)
      assert.isTrue(offers("kata-qemu-runtime-rs"))
      assert.deepStrictEqual(isThere(), ["File", "File"])
      yield* run("install")
      assert.isFalse(offers("kata-qemu-runtime-rs"))
      assert.deepStrictEqual(isThere(), ["Absent", "Absent"])
    }),
  )

  it.effect("keeps its program in the artifacts stage alone, and loses it in the CRI stage", () =>
    Effect.gen(function* () {
      const { isThere, ledger, run } = yield* installed()
      yield* run("install-stage-artifacts")
      assert.deepStrictEqual(isThere(), ["File", "File"])
      assert.isTrue(ledger().components.find((c) => c.name === "shim-v2-rust")?.unused)
      yield* run("install-stage-cri")
      assert.deepStrictEqual(isThere(), ["Absent", "Absent"])
      assert.isUndefined(ledger().components.find((c) => c.name === "shim-v2-rust"))
      assert.isFalse(ledger().files.some((file) => file.unused === true))
    }),
  )

  it.effect("is as it was when it is asked for again before it went", () =>
    Effect.gen(function* () {
      const { files, ledger, run } = yield* installed()
      const before = ledger()
      yield* run("install-stage-artifacts")
      yield* Run.run(Node.request("install", both)).pipe(Node.on(files))
      assert.deepStrictEqual(ledger(), before)
    }),
  )

  it.effect(
    "loses nothing behind a link that somebody put in the place of a directory of ours, which says so",
    () =>
      Effect.gen(function* () {
        const { files, run } = yield* installed()
        const directory = "/opt/kata/share/defaults/kata-containers/runtime-rs"
        for (const [at, state] of Object.entries(files.snapshot())) {
          if (at !== directory && !at.startsWith(`${directory}/`)) continue
          files.tree.set(Node.path(at), FileState.absent)
          files.tree.set(Node.path(at.replace(directory, "/srv/runtime-rs")), state)
        }
        files.tree.set(Node.path("/srv"), FileState.directory())
        files.tree.set(Node.path(directory), FileState.link("/srv/runtime-rs"))
        const theirs = Node.path(config.replace(directory, "/srv/runtime-rs"))
        const before = files.tree.get(theirs)
        const { notices } = yield* run("install")
        assert.deepStrictEqual(files.tree.get(theirs), before)
        const said = notices.flatMap(({ code, message }) =>
          code === "owned-file-not-removed" ? [message] : [],
        )
        assert.include(
          said,
          `${config} was a file of ours and is behind ${directory} now, which somebody made a link, so it stays.`,
        )
      }),
  )

  it.effect(
    "gives its configuration back to the archive that others still need, also where an upgrade died",
    () =>
      Effect.gen(function* () {
        const archive = "tarballs/kata-static-shim-v2-go.tar.zst"
        const plain = Node.path("/opt/kata/share/defaults/kata-containers/configuration-clh.toml")
        const [two, less] = ["qemu clh", "qemu"].map((shims) =>
          Node.request("install", { ...vanilla.variables, SHIMS_X86_64: shims }),
        ) as [Run.Request, Run.Request]
        const upgrade = Effect.gen(function* () {
          const files = Node.host(vanilla.tree)
          yield* Run.run(two).pipe(Node.on(files))
          assert.strictEqual(files.tree.get(plain)._tag, "Link")
          files.faults.reset()
          const before = files.archives.get(archive)
          assert(before !== undefined && before !== "corrupt")
          files.archives.set(archive, [...before, SampleArchive.file("bin/newer", "newer", 0o755)])
          return files
        })
        const undisturbed = yield* upgrade
        yield* Run.run(two).pipe(Node.on(undisturbed))
        const files = yield* upgrade
        files.faults.crashAt(undisturbed.faults.operations.findIndex(({ verb }) => verb === "extract") + 1)
        yield* Effect.exit(Run.run(two).pipe(Node.on(files)))
        files.faults.reset()
        yield* Run.run(less).pipe(Node.on(files))
        assert.strictEqual(files.tree.get(plain)._tag, "File")
        const before = files.snapshot()
        yield* Run.run(less).pipe(Node.on(files))
        assert.deepStrictEqual(files.snapshot(), before)
      }),
  )

  it.effect("leaves the empty directory of drop-ins of a shim that came in its place", () =>
    Effect.gen(function* () {
      const { files } = yield* installed()
      const other = { ...vanilla.variables, SHIMS_X86_64: "clh" }
      yield* Run.run(Node.request("install", other)).pipe(Node.on(files))
      const dropIns = Node.path("/opt/kata/share/defaults/kata-containers/runtimes/clh/config.d")
      assert.strictEqual(files.tree.get(dropIns)._tag, "Directory")
    }),
  )

  it.effect("does not take along what another shim has as well", () =>
    Effect.gen(function* () {
      const { files, run } = yield* installed()
      yield* run("install")
      assert.strictEqual(files.tree.get(Node.path("/opt/kata/bin/qemu-system-x86_64"))._tag, "File")
      assert.strictEqual(files.tree.get(Node.path("/opt/kata/bin/containerd-shim-kata-v2"))._tag, "File")
    }),
  )
})
