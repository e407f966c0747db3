import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { type Plan, Run } from "../../src/index.ts"
import { MemoryFaults, SampleArchive } from "../../src/testing/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const shims = { SHIMS_X86_64: "qemu clh qemu-runtime-rs" }

type Host = (typeof hosts)[number]
type Files = ReturnType<typeof Node.host>

const run = (files: Files, host: Host, action: Plan.ActionName) =>
  Run.run(Node.request(action, { ...host.variables, ...shims })).pipe(Node.on(files))

/** Runs an action that dies at its `at`-th operation. */
const dies = Effect.fnUntraced(function* (
  files: Files,
  host: Host,
  action: Plan.ActionName,
  at: number,
  when: "before" | "after",
) {
  files.faults.reset()
  files.faults.crashAt(at, when)
  const exit = yield* Effect.exit(run(files, host, action))
  assert.isTrue(
    Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof MemoryFaults.Crash,
    `${action} dies at ${at}`,
  )
  files.faults.reset()
})

const operationsOf = Effect.fnUntraced(function* (host: Host, actions: ReadonlyArray<Plan.ActionName>) {
  const files = Node.host(host.tree)
  for (const action of actions) {
    files.faults.reset()
    yield* run(files, host, action)
  }
  return { operations: [...files.faults.operations], after: Node.snapshot(files) }
})

/**
 * What is on the host beside the books of the runs themselves: a journal says what its own run did, and a ledger does
 * not know of directories that were made before there was a journal.
 */
const besideBooks = (snapshot: ReturnType<typeof Node.snapshot>) =>
  Object.fromEntries(
    Object.entries(snapshot).map(([path, state]) => [
      path,
      path.includes("/journal/") || path.endsWith("/ledger.json") ? "a book" : state,
    ]),
  )

/** All that an install that died before it could write anything down may leave behind. */
const bare = new Set(["/opt", "/opt/kata"])

const withoutBare = (snapshot: ReturnType<typeof Node.snapshot>) =>
  Object.fromEntries(Object.entries(snapshot).filter(([path]) => !bare.has(path)))

describe("L10 Convergence", () => {
  for (const host of hosts) {
    it.effect(`an install on ${host.name} that dies at any operation is completed by the next one`, () =>
      Effect.gen(function* () {
        const { after, operations } = yield* operationsOf(host, ["install"])
        const before = Node.snapshot(Node.host(host.tree))
        for (let at = 1; at <= operations.length; at++) {
          const files = Node.host(host.tree)
          yield* dies(files, host, "install", at, at % 2 === 0 ? "before" : "after")
          yield* run(files, host, "install")
          const about = `${operations[at - 1]!.verb} ${operations[at - 1]!.subject} (${at})`
          assert.deepStrictEqual(besideBooks(Node.snapshot(files)), besideBooks(after), about)
          // The books are right all the same: what they name can be taken away again.
          yield* run(files, host, "cleanup")
          assert.deepStrictEqual(withoutBare(Node.snapshot(files)), withoutBare(before), about)
        }
      }),
    )

    it.effect(`an install on ${host.name} that dies at any operation is taken back by a cleanup`, () =>
      Effect.gen(function* () {
        const { operations } = yield* operationsOf(host, ["install"])
        const before = Node.snapshot(Node.host(host.tree))
        for (let at = 1; at <= operations.length; at++) {
          const files = Node.host(host.tree)
          yield* dies(files, host, "install", at, at % 2 === 0 ? "after" : "before")
          yield* run(files, host, "cleanup")
          const about = `${operations[at - 1]!.verb} ${operations[at - 1]!.subject} (${at})`
          assert.deepStrictEqual(withoutBare(Node.snapshot(files)), withoutBare(before), about)
        }
      }),
    )

    it.effect(`a cleanup on ${host.name} that dies at any operation is completed by the next one`, () =>
      Effect.gen(function* () {
        const { operations } = yield* operationsOf(host, ["install", "cleanup"])
        const before = Node.snapshot(Node.host(host.tree))
        for (let at = 1; at <= operations.length; at++) {
          const files = Node.host(host.tree)
          yield* run(files, host, "install")
          yield* dies(files, host, "cleanup", at, at % 2 === 0 ? "before" : "after")
          yield* run(files, host, "cleanup")
          const about = `${operations[at - 1]!.verb} ${operations[at - 1]!.subject} (${at})`
          assert.deepStrictEqual(withoutBare(Node.snapshot(files)), withoutBare(before), about)
        }
      }),
    )
  }

  it.effect("an upgrade that dies after an install died on the same host is taken back by a cleanup", () =>
    Effect.gen(function* () {
      const host = hosts[0]!
      const before = Node.snapshot(Node.host(host.tree))
      const { operations } = yield* operationsOf(host, ["install"])
      const moved = operations.findIndex(({ verb }) => verb === "extract") + 1
      /** Everything is unpacked, nobody wrote that down, and the archives are newer ones now. */
      const halfDone = Effect.gen(function* () {
        const files = Node.host(host.tree)
        yield* dies(files, host, "install", moved, "after")
        files.archives.set("tarballs/kata-static-qemu.tar.zst", [
          SampleArchive.file("bin/qemu-of-tomorrow", "qemu", 0o755),
        ])
        return files
      })
      const undisturbed = yield* halfDone
      yield* run(undisturbed, host, "install")
      const upgrade = [...undisturbed.faults.operations]
      for (let at = 1; at <= upgrade.length; at++) {
        const files = yield* halfDone
        yield* dies(files, host, "install", at, at % 2 === 0 ? "after" : "before")
        yield* run(files, host, "cleanup")
        const about = `${upgrade[at - 1]!.verb} ${upgrade[at - 1]!.subject} (${at})`
        assert.deepStrictEqual(withoutBare(Node.snapshot(files)), withoutBare(before), about)
      }
    }),
  )

  it.effect("an install that dies after one that died with other shims is taken back by a cleanup", () =>
    Effect.gen(function* () {
      const host = hosts[0]!
      const before = Node.snapshot(Node.host(host.tree))
      const { operations } = yield* operationsOf(host, ["install"])
      const fewer = Node.request("install", { ...host.variables, SHIMS_X86_64: "qemu" })
      for (let first = 1; first <= operations.length; first++)
        for (const second of [2, 1 + (first % 20)]) {
          const files = Node.host(host.tree)
          yield* dies(files, host, "install", first, first % 2 === 0 ? "after" : "before")
          files.faults.crashAt(second)
          yield* Effect.exit(Run.run(fewer).pipe(Node.on(files)))
          files.faults.reset()
          yield* run(files, host, "cleanup")
          const about = `${operations[first - 1]!.verb} ${operations[first - 1]!.subject} (${first}, ${second})`
          assert.deepStrictEqual(withoutBare(Node.snapshot(files)), withoutBare(before), about)
        }
    }),
  )
})
