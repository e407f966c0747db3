import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FileState, Run } from "../../src/index.ts"
import { hosts, type SampleHost } from "./SampleHosts.ts"
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
