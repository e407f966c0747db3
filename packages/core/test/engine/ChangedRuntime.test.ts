import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Fact, Run } from "../../src/index.ts"
import { HostShellMemory } from "../../src/testing/index.ts"
import * as Node from "./SampleNode.ts"

const tree = {
  "/etc/containerd/config.toml": "version = 3\n",
  "/etc/crio/crio.conf": "[crio]\n",
}
const containerd = { CONTAINER_RUNTIME_VERSION: "containerd://2.1.5" }
const crio = { CONTAINER_RUNTIME_VERSION: "cri-o://1.34.0" }

const changed = Effect.fnUntraced(function* (before: "active" | "inactive") {
  const files = Node.host(tree)
  const shell = HostShellMemory.make({
    units: { "containerd.service": "active", "crio.service": "inactive" },
  })
  const on = (units: Readonly<Record<string, "active" | "inactive">>) => {
    for (const [unit, state] of Object.entries(units)) shell.units.set(unit, state)
    return Effect.provide(Node.layer(files, shell))
  }
  yield* Run.run(Node.request("install", containerd)).pipe(on({}))
  shell.faults.reset()
  const units = { "containerd.service": before, "crio.service": "active" } as const
  const report = yield* Run.run(Node.request("install", crio)).pipe(on(units))
  const restarts = shell.faults.operations.filter((o) => o.verb === "restart").map((o) => o.subject)
  const again = yield* Run.plan(Node.request("install", crio)).pipe(on(units))
  return { report, restarts, again }
})

describe("an install on a node whose CRI runtime is another one now", () => {
  it.effect("restarts the former one as well while it runs, since its handlers are gone", () =>
    Effect.gen(function* () {
      const { again, report, restarts } = yield* changed("active")
      assert.deepStrictEqual(restarts, ["containerd.service", "crio.service"])
      assert.deepStrictEqual(
        report.restarts.map((r) => r.unit),
        ["containerd.service", "crio.service"],
      )
      assert.deepStrictEqual(again.restarts, [])
    }),
  )

  it.effect("leaves a former one alone that does not run", () =>
    Effect.gen(function* () {
      const { restarts } = yield* changed("inactive")
      assert.deepStrictEqual(restarts, ["crio.service"])
    }),
  )

  it.effect("names the former one where no unit can be asked", () =>
    Effect.gen(function* () {
      const files = Node.host(tree)
      yield* Run.run(Node.request("install", containerd)).pipe(Node.on(files))
      const shell = HostShellMemory.make({ control: Fact.unknown("not-asked", "the operator chose so") })
      const named = { ...Node.request("install", crio), criRuntime: "crio" }
      const report = yield* Run.run(named).pipe(Effect.provide(Node.layer(files, shell)))
      assert.deepInclude(report.restarts, { unit: "containerd.service", due: "not-ours" })
    }),
  )
})
