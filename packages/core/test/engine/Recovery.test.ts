import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FileState, HostPath, Journal, Run, StatusRun } from "../../src/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const host = hosts.find((each) => each.name === "vanilla containerd 2.1")!
const install = Node.request("install", host.variables)
const cleanup = Node.request("cleanup", host.variables)
const stateDir = Node.path("/opt/kata/.kata-deploy")
const statusRequest = { settings: install.settings, stateDir: undefined, depth: "metadata" } as const

type Files = ReturnType<typeof Node.host>

const run = (files: Files, request: Run.Request) => Run.run(request).pipe(Node.on(files))

/** A host whose install died just before the operation that `dies` picks. */
const diedAt = Effect.fnUntraced(function* (
  dies: (operation: { readonly verb: string; readonly subject: string }) => boolean,
) {
  const undisturbed = Node.host(host.tree)
  yield* run(undisturbed, install)
  const at = undisturbed.faults.operations.findIndex(dies) + 1
  assert.isAbove(at, 0)
  const files = Node.host(host.tree)
  files.faults.crashAt(at)
  yield* Effect.exit(run(files, install))
  files.faults.reset()
  return files
})

const halfWritten = FileState.file("half a fi", 0o600)
const temporary = (directory: string) => HostPath.join(Node.path(directory), ".kata-deploy-0a1b2c3d.tmp")

const besideBooks = (files: Files) =>
  Object.fromEntries(
    Object.entries(Node.snapshot(files)).filter(
      ([path]) => !path.includes("/journal/") && !path.endsWith("/ledger.json"),
    ),
  )

describe("Recovery", () => {
  const died = {
    "its first journal was written": (o: { readonly subject: string }) =>
      o.subject.endsWith("artifacts.json"),
    "its ledger was written": (o: { readonly subject: string }) => o.subject.endsWith("ledger.json"),
    "a drop-in was written": (o: { readonly subject: string }) => o.subject === host.mainConfig,
  }
  for (const [when, dies] of Object.entries(died)) {
    it.effect(`half a file of an install that died before ${when} goes with the next run`, () =>
      Effect.gen(function* () {
        const whole = Node.host(host.tree)
        yield* run(whole, install)
        const places = [
          stateDir,
          `${stateDir}/staging`,
          ...(when === "a drop-in was written" ? ["/etc/containerd"] : []),
        ]
        for (const request of [install, cleanup]) {
          const files = yield* diedAt(dies)
          for (const place of places) files.tree.set(temporary(place), halfWritten)
          yield* run(files, request)
          const names = Object.keys(Node.snapshot(files)).filter((path) => path.endsWith(".tmp"))
          assert.deepStrictEqual(names, [], request.action)
          if (request === install) assert.deepStrictEqual(besideBooks(files), besideBooks(whole))
          else assert.notProperty(Node.snapshot(files), stateDir)
        }
      }),
    )
  }

  it.effect("half a file beside the pristine configurations goes with the next run", () =>
    Effect.gen(function* () {
      const files = yield* diedAt((o) => o.subject.includes("/base/") && o.subject.endsWith(".toml"))
      const [base] = Object.keys(Node.snapshot(files))
        .filter((path) => path.includes("/base/"))
        .toReversed()
      files.tree.set(temporary(base!), halfWritten)
      yield* run(files, cleanup)
      assert.notProperty(Node.snapshot(files), stateDir)
    }),
  )

  it.effect("a file of somebody else's in the state directory is none of ours", () =>
    Effect.gen(function* () {
      const files = Node.host(host.tree)
      yield* run(files, install)
      const theirs = HostPath.join(stateDir, ".notes.tmp")
      files.tree.set(theirs, FileState.file("theirs"))
      yield* run(files, install)
      yield* run(files, cleanup)
      assert.property(Node.snapshot(files), theirs)
    }),
  )

  for (const [what, state] of [
    ["is no journal", FileState.file("{}")],
    ["is half a document", FileState.file('{"schemaVersion":1,"kind":"jour')],
    ["may not be read", { _tag: "Unreadable", why: "denied", detail: "no permission" }],
  ] as const) {
    it.effect(`a journal that ${what} stops every run before it touches anything, and is named`, () =>
      Effect.gen(function* () {
        const files = Node.host(host.tree)
        yield* run(files, install)
        const journal = Journal.pathIn(stateDir, "revert-cri")
        files.tree.set(journal, state)
        const before = Node.snapshot(files)
        for (const request of [install, cleanup]) {
          const error = yield* Effect.flip(run(files, request))
          assert.strictEqual(error._tag, "PrerequisiteError")
          assert.include(error.message, journal)
          assert.deepStrictEqual(Node.snapshot(files), before)
        }
        const status = yield* StatusRun.status(statusRequest).pipe(Node.on(files), Effect.flip)
        assert.include(status.message, journal)
      }),
    )
  }
})

describe("the status of a host on which a run died", () => {
  it.effect("names the stage that was left half-done, until the next run has finished it", () =>
    Effect.gen(function* () {
      const status = (files: Files) => StatusRun.status(statusRequest).pipe(Node.on(files))
      const early = yield* diedAt((o) => o.verb === "extract")
      assert.deepStrictEqual(
        (yield* status(early)).instances.map((i) => [i.name, i.journal]),
        [["default", "artifacts"]],
      )
      const files = yield* diedAt((o) => o.subject === host.mainConfig)
      const [unfinished] = (yield* status(files)).instances
      assert.strictEqual(unfinished?.journal, "cri")
      assert.include(unfinished!.handlers.written, "kata-qemu")
      yield* run(files, install)
      assert.deepStrictEqual(
        (yield* status(files)).instances.map((i) => i.journal),
        [null],
      )
    }),
  )
})
