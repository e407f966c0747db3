import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Fact, Progress, Run } from "../../src/index.ts"
import { HostShellMemory, NodeApiMemory } from "../../src/testing/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const host = hosts.find((each) => each.name === "k3s with containerd 2.1")!
const variables = { ...host.variables, SHIMS_X86_64: "qemu clh" }
const request = Node.request("install", variables)

const nodeWith = (runtimeHandlers: ReadonlyArray<string> | undefined) =>
  NodeApiMemory.make({
    node: Fact.known({ containerRuntimeVersion: "containerd://2.1.5-k3s1", labels: {}, runtimeHandlers }),
  })

/** Installs on a node that reports these handlers afterwards. */
const installOn = (runtimeHandlers: ReadonlyArray<string> | undefined) =>
  Run.run(request).pipe(
    Effect.provide(Node.layer(Node.host(host.tree), HostShellMemory.make(), nodeWith(runtimeHandlers))),
  )

describe("Confirm", () => {
  it.effect("a node that was not asked leaves the handlers unknown", () =>
    Effect.gen(function* () {
      const report = yield* Run.run(request).pipe(Node.on(Node.host(host.tree)))
      assert.deepStrictEqual(report.confirmed, {
        handlers: "unknown",
        missing: [],
        because: "the operator chose so",
        overwritten: [],
      })
    }),
  )

  const sightOf = (handlers: ReadonlyArray<string>) => {
    const shell = HostShellMemory.make({ control: Node.notAsked })
    shell.sight.cri = Fact.known({ runtime: "containerd 2.1.9", ready: true, handlers })
    return shell
  }

  it.effect("a runtime that lists the handlers over CRI serves them, also where nothing was restarted", () =>
    Effect.gen(function* () {
      const layer = Node.layer(Node.host(host.tree), sightOf(["runc", "kata-qemu", "kata-clh"]))
      const report = yield* Effect.provide(Run.run(request), layer)
      assert.deepInclude(report.confirmed, {
        handlers: "served",
        because: "containerd 2.1.9 lists them over CRI",
      })
    }),
  )

  it.effect("a runtime that lists none of them may have yet to be restarted by somebody", () =>
    Effect.gen(function* () {
      const report = yield* Effect.provide(
        Run.run(request),
        Node.layer(Node.host(host.tree), sightOf(["runc"])),
      )
      assert.strictEqual(report.confirmed?.handlers, "unknown")
    }),
  )

  it.effect("a cluster that reports no handlers at all leaves them unknown", () =>
    Effect.gen(function* () {
      const report = yield* installOn(undefined)
      assert.strictEqual(report.confirmed?.handlers, "unknown")
    }),
  )

  it.effect("handlers that the node reports are served", () =>
    Effect.gen(function* () {
      const report = yield* installOn(["runc", "kata-qemu", "kata-clh"])
      assert.deepInclude(report.confirmed, { handlers: "served", missing: [] })
    }),
  )

  it.effect("some of the handlers missing is told and accepted", () =>
    Effect.gen(function* () {
      const report = yield* installOn(["runc", "kata-qemu"])
      assert.deepInclude(report.confirmed, { handlers: "partly", missing: ["kata-clh"] })
    }),
  )

  it.effect("all of the handlers missing is a failure, and the node is not promoted", () =>
    Effect.gen(function* () {
      const api = nodeWith([])
      const error = yield* Run.run(request).pipe(
        Effect.provide(Node.layer(Node.host(host.tree), HostShellMemory.make(), api)),
        Effect.flip,
      )
      assert.strictEqual(error._tag, "ApplyError")
      assert.include(error.message, "kata-qemu, kata-clh")
      assert.deepStrictEqual([...new Set(api.labels.values())], ["false"])
    }),
  )

  it.effect("a file that somebody overwrites right after us is a failure that names it", () =>
    Effect.gen(function* () {
      const files = Node.host(host.tree)
      const path = Node.path("/opt/kata/versions.yaml")
      const rival = Progress.Progress.of({
        tell: (event) =>
          Effect.sync(() => {
            if (event._tag === "StageDone" && event.stage === "cri") {
              files.tree.set(path, { _tag: "File", text: "theirs", mode: 0o644 })
            }
          }),
      })
      const error = yield* Run.run(request).pipe(
        Effect.provideService(Progress.Progress, rival),
        Node.on(files),
        Effect.flip,
      )
      assert.strictEqual(error._tag, "ApplyError")
      assert.include(error.message, path)
    }),
  )

  it.effect("a stage that cannot be planned any more after changes were made is told as a failed run", () =>
    Effect.gen(function* () {
      const files = Node.host(host.tree)
      const rival = Progress.Progress.of({
        tell: (event) =>
          Effect.sync(() => {
            if (event._tag === "StageDone" && event.stage === "artifacts") {
              files.tree.set(Node.path(host.mainConfig), { _tag: "File", text: "no = [toml", mode: 0o644 })
            }
          }),
      })
      const error = yield* Run.run(request).pipe(
        Effect.provideService(Progress.Progress, rival),
        Node.on(files),
        Effect.flip,
      )
      assert.strictEqual(error._tag, "ApplyError")
      if (error._tag !== "ApplyError") return
      assert.strictEqual(error.report.stages.find((s) => s.stage === "artifacts")?.outcome, "done")
      assert.strictEqual(error.report.stages.find((s) => s.stage === "cri")?.outcome, "not-reached")
      assert.include(error.report.failures.join(), "not valid TOML")
    }),
  )
})
