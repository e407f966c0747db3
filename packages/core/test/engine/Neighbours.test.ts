import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FileState, HostPath, Run } from "../../src/index.ts"
import { hosts, type SampleHost } from "./SampleHosts.ts"
import { HostShellMemory } from "../../src/testing/index.ts"
import * as Node from "./SampleNode.ts"

const named = (name: string): SampleHost => hosts.find((host) => host.name === name)!
const other = { INSTALLATION_PREFIX: "/other" }

describe("two installs of the same name", () => {
  for (const name of ["CRI-O", "vanilla containerd 1.7"]) {
    it.effect(`cannot share one file on ${name}: the second is refused and the first stays`, () =>
      Effect.gen(function* () {
        const host = named(name)
        const files = Node.host(host.tree)
        yield* Run.run(Node.request("install", host.variables)).pipe(Node.on(files))
        const installed = Node.snapshot(files)
        const error = yield* Run.run(Node.request("install", { ...host.variables, ...other })).pipe(
          Node.on(files),
          Effect.flip,
        )
        assert.strictEqual(error._tag, "PrerequisiteError")
        assert.deepStrictEqual(Node.snapshot(files), installed)
      }),
    )
  }
})

describe("an instance with a suffix that has no ledger", () => {
  it.effect("leaves the user drop-in that it shares with a neighbour", () =>
    Effect.gen(function* () {
      const host = named("vanilla containerd 2.2 that reads conf.d")
      const files = Node.host(host.tree)
      const suffixed = { ...host.variables, MULTI_INSTALL_SUFFIX: "dev" }
      yield* Run.run(Node.request("install", host.variables)).pipe(Node.on(files))
      yield* Run.run(Node.request("install", suffixed)).pipe(Node.on(files))
      files.tree.set(Node.path("/opt/kata-dev/.kata-deploy/ledger.json"), FileState.absent)
      const shared = Node.path("/etc/containerd/conf.d/zz-kata-deploy-user.toml")
      files.tree.set(shared, FileState.file("# the neighbour's\n"))
      yield* Run.run(Node.request("cleanup", suffixed)).pipe(Node.on(files))
      assert.strictEqual(FileState.textOf(files.tree.get(shared)), "# the neighbour's\n")
      assert.strictEqual(
        files.tree.get(Node.path("/etc/containerd/conf.d/kata-deploy-dev.toml"))._tag,
        "Absent",
      )
    }),
  )
})

const bare = named("vanilla containerd 2.1 without any config")
const second = { ...bare.variables, MULTI_INSTALL_SUFFIX: "dev" }

describe("two instances on one node", () => {
  it.effect("leave nothing behind in whatever order they go, wherever they are installed", () =>
    Effect.gen(function* () {
      for (const place of [{}, { INSTALLATION_PREFIX: "/data" }]) {
        const files = Node.host(bare.tree)
        const before = Node.snapshot(files)
        yield* Run.run(Node.request("install", bare.variables)).pipe(Node.on(files))
        yield* Run.run(Node.request("install", { ...second, ...place })).pipe(Node.on(files))
        yield* Run.run(Node.request("cleanup", bare.variables)).pipe(Node.on(files))
        yield* Run.run(Node.request("cleanup", { ...second, ...place })).pipe(Node.on(files))
        assert.deepStrictEqual(Node.snapshot(files), before)
      }
    }),
  )

  it.effect("find each other through a state directory elsewhere", () =>
    Effect.gen(function* () {
      const files = Node.host(bare.tree)
      const before = Node.snapshot(files)
      const first = (action: "install" | "cleanup") =>
        Run.run({ ...Node.request(action, bare.variables), stateDir: HostPath.make("/var/lib/state") }).pipe(
          Node.on(files),
        )
      yield* first("install")
      yield* Run.run(Node.request("install", second)).pipe(Node.on(files))
      yield* first("cleanup")
      yield* Run.run(Node.request("cleanup", second)).pipe(Node.on(files))
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )

  it.effect("keep what may be the operator's where the first one's ledger cannot be read, and say so", () =>
    Effect.gen(function* () {
      const files = Node.host(bare.tree)
      const ledger = Node.path("/opt/kata/.kata-deploy/ledger.json")
      yield* Run.run(Node.request("install", bare.variables)).pipe(Node.on(files))
      const readable = files.tree.get(ledger)
      files.tree.set(ledger, { _tag: "Unreadable", why: "denied", detail: "no permission" })
      const report = yield* Run.run(Node.request("install", second)).pipe(Node.on(files))
      assert.include(
        report.notices.map((n) => n.code),
        "neighbour-unreadable",
      )
      files.tree.set(ledger, readable)
      yield* Run.run(Node.request("cleanup", bare.variables)).pipe(Node.on(files))
      yield* Run.run(Node.request("cleanup", second)).pipe(Node.on(files))
      const left = Object.entries(Node.snapshot(files)).filter(([, state]) => state._tag !== "Directory")
      assert.deepStrictEqual(left, [
        ["/etc/containerd/config.toml", FileState.file("version = 3\nimports = []\n")],
        ["/etc/hostname", FileState.file("node\n")],
      ])
    }),
  )

  it.effect("are refused where both would offer one handler, and the first stays as it is", () =>
    Effect.gen(function* () {
      const files = Node.host(bare.tree)
      const first = { ...bare.variables, MULTI_INSTALL_SUFFIX: "runtime-rs-x" }
      const clash = { ...bare.variables, SHIMS_X86_64: "qemu-runtime-rs", MULTI_INSTALL_SUFFIX: "x" }
      yield* Run.run(Node.request("install", first)).pipe(Node.on(files))
      const installed = Node.snapshot(files)
      const error = yield* Run.run(Node.request("install", clash)).pipe(Node.on(files), Effect.flip)
      assert.strictEqual(error._tag, "PrerequisiteError")
      assert.include(error.message, "kata-qemu-runtime-rs-x")
      assert.deepStrictEqual(Node.snapshot(files), installed)
    }),
  )

  it.effect("cannot be mixed up by a state directory that belongs to the other install directory", () =>
    Effect.gen(function* () {
      const files = Node.host(bare.tree)
      const stateDir = HostPath.make("/var/lib/state")
      yield* Run.run({ ...Node.request("install", bare.variables), stateDir }).pipe(Node.on(files))
      const installed = Node.snapshot(files)
      for (const action of ["install", "cleanup"] as const) {
        const error = yield* Run.run({
          ...Node.request(action, { ...bare.variables, ...other }),
          stateDir,
        }).pipe(Node.on(files), Effect.flip)
        assert.strictEqual(error._tag, "PrerequisiteError")
        assert.include(error.message, "/opt/kata,")
        assert.deepStrictEqual(Node.snapshot(files), installed)
      }
    }),
  )

  it.effect(
    "leave the restart to the next one where the operator wants it so, and the last one restarts",
    () =>
      Effect.gen(function* () {
        const files = Node.host(bare.tree)
        const shell = HostShellMemory.make({ units: { "containerd.service": "active" } })
        const on = Effect.provide(Node.layer(files, shell))
        const cleanup = (variables: Readonly<Record<string, string>>) =>
          Run.run({
            ...Node.request("cleanup", variables),
            conduct: { restartBesideOthers: "defer" },
          }).pipe(on)
        yield* Run.run(Node.request("install", bare.variables)).pipe(on)
        yield* Run.run(Node.request("install", second)).pipe(on)
        shell.faults.reset()
        const restarts = () => shell.faults.operations.filter((o) => o.verb === "restart").length
        const first = yield* cleanup(bare.variables)
        assert.strictEqual(restarts(), 0)
        assert.deepStrictEqual(first.restarts, [{ unit: "containerd.service", due: "not-ours" }])
        assert.include(
          first.notices.map((n) => n.code),
          "restart-deferred",
        )
        yield* cleanup(second)
        assert.strictEqual(restarts(), 1)
      }),
  )
})
