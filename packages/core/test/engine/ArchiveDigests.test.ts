import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { FileState, Ledger, Run } from "../../src/index.ts"
import { type HostFilesMemory, SampleArchive } from "../../src/testing/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const vanilla = hosts.find((host) => host.name === "vanilla containerd 2.2 that reads conf.d")!
const install = Node.request("install", vanilla.variables)
const ledgerPath = Ledger.pathIn(Node.path("/opt/kata/.kata-deploy"))

/** Digests that the ledger has, by component. */
const recorded = (files: HostFilesMemory.HostFilesMemory): Readonly<Record<string, string | null>> => {
  const text = FileState.textOf(files.tree.get(ledgerPath))
  assert.isDefined(text)
  const { components } = Result.getOrThrow(Ledger.decode(text))
  return Object.fromEntries(components.map(({ archive, name }) => [name, archive.sha256]))
}

describe("digests of archives that nobody knew when the plan was made", () => {
  it.effect("are recorded as unpacking told them, so that nothing is due afterwards", () =>
    Effect.gen(function* () {
      const files = Node.host(vanilla.tree)
      const plan = yield* Run.plan(install).pipe(Node.on(files))
      const extract = plan.stages
        .flatMap(({ steps }) => steps.map((step) => step.action))
        .find((action) => action._tag === "Extract")
      assert(extract?._tag === "Extract")
      assert.deepStrictEqual(
        extract.components.map(({ id, name }) => [name, id.sha256 === null]),
        // The kept configurations are named after the archive that they come from.
        [
          ["kernel", true],
          ["qemu", true],
          ["shim-v2-go", false],
        ],
      )
      yield* Run.run(install).pipe(Node.on(files))
      const digests = recorded(files)
      assert.sameMembers(Object.keys(digests), ["kernel", "qemu", "shim-v2-go"])
      for (const sha256 of Object.values(digests)) assert.match(sha256 ?? "", /^[0-9a-f]{64}$/)
      yield* Run.run(install).pipe(Node.on(files))
      assert.deepStrictEqual(recorded(files), digests)
    }),
  )

  it.effect("change with the archive in an upgrade, and only its own", () =>
    Effect.gen(function* () {
      const files = Node.host(vanilla.tree)
      yield* Run.run(install).pipe(Node.on(files))
      const before = recorded(files)
      files.archives.set("tarballs/kata-static-qemu.tar.zst", [
        SampleArchive.file("bin/qemu-system-x86_64", "a newer and larger qemu", 0o755),
      ])
      yield* Run.run(install).pipe(Node.on(files))
      const after = recorded(files)
      assert.notStrictEqual(after["qemu"], before["qemu"])
      assert.deepStrictEqual({ ...after, qemu: "" }, { ...before, qemu: "" })
    }),
  )
})
