import { Effect } from "effect"
import * as fc from "fast-check"
import { assert, describe } from "vitest"
import { type Action, type Ledger, NodeMarks, type Plan } from "../../src/index.ts"
import { law, nodeOf, scenario } from "./Generators.ts"

/** Nodes where units and labels can be changed, so that nothing of the order is left out. */
const withinReach = scenario.map((s) => ({ ...s, reach: { systemd: true, api: true } }))

const actions = (plan: Plan.Plan): ReadonlyArray<Action.Action> =>
  plan.stages.flatMap((stage) => stage.steps.map((s) => s.action))

/** Whether a unit, or the path of a unit file, is that of a snapshotter. */
const isSnapshotters = (name: string): boolean => /(?:^|\/system\/)nydus-for-kata-/.test(name)

/** Snapshotters stop and go behind the demotion, before the configuration that names them. */
const snapshotters = 1.5

/** Which part of a cleanup an action belongs to, by what it names; parts come in the order of decisions. */
const partOf =
  (ledger: Ledger.Ledger) =>
  (action: Action.Action): ReadonlyArray<number> => {
    switch (action._tag) {
      case "Mark":
        return [action.intent === "demote" ? 1 : 5]
      case "Put": {
        const { path } = action.change
        if (isSnapshotters(path)) return [snapshotters]
        const owned = ledger.files.find((file) => file.path === path)
        return [ledger.edits.some((e) => e.path === path) ? 2 : owned?.stage === "cri" ? 3 : 4]
      }
      case "RemoveSnapshots":
        return [snapshotters]
      // What snapshotters stored goes when no configuration names them any more.
      case "PurgeData":
      case "KeepData":
        return [3.5]
      case "RemoveTree":
        return [4]
      case "Unit":
        if (isSnapshotters(action.unit)) return [snapshotters]
        return [action.verb === "restart" ? 7 : 6]
      case "AwaitUnit":
      case "AwaitReady":
        return [8]
      case "AwaitServed":
      case "HoldMarks":
      case "Untaint":
        return assert.fail("a cleanup serves nothing")
      case "Extract":
        return assert.fail("a cleanup unpacks nothing")
      // Directories and the ledger are tidied up after each part.
      case "Prune":
      case "Record":
        return []
    }
  }

const isSorted = (numbers: ReadonlyArray<number>): boolean =>
  numbers.every((n, at) => at === 0 || numbers[at - 1]! <= n)

describe("L4 Order", () => {
  law(
    "a cleanup demotes, then takes edits, configuration and artifacts away, deletes marks, restarts and only waits",
    withinReach,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      yield* node.run("install", example.asked)
      const { facts } = yield* node.inputs("cleanup", example.asked)
      assert(facts.ledger._tag === "Read")
      const plan = yield* node.plan("cleanup", example.asked)
      const parts = actions(plan).flatMap(partOf(facts.ledger.ledger))
      assert.isTrue(isSorted(parts), `the order is ${parts.join(" ")}`)
      for (const part of [1, 3, 4, 5]) assert.include(parts, part)
      const reloadsItself = plan.restarts.some((r) => r.due === "reloads-itself")
      assert.deepStrictEqual(parts.slice(parts.indexOf(5) + 1), reloadsItself ? [] : [6, 7, 8, 8])
    }),
  )

  law(
    "an install claims first, restarts after the last write, promotes last, and imports nothing before it is there",
    withinReach,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      const plan = yield* node.plan("install", example.asked)
      const all = actions(plan)
      const at = (is: (action: Action.Action) => boolean) => all.findIndex(is)
      const last = (is: (action: Action.Action) => boolean) => all.findLastIndex(is)
      const restart = at((a) => a._tag === "Unit" && a.verb === "restart" && !isSnapshotters(a.unit))
      assert.strictEqual(
        at((a) => a._tag === "Mark" && a.intent === "claim"),
        0,
      )
      const promoted = all.slice(at((a) => a._tag === "Mark" && a.intent === "promote"))
      assert.deepStrictEqual(
        promoted.map((a) => a._tag),
        ["Mark", "HoldMarks"],
      )
      if (plan.restarts.some((r) => r.due === "ours"))
        assert.isAbove(
          restart,
          last((a) => a._tag === "Put" || a._tag === "Extract" || a._tag === "Prune"),
        )
      else assert.strictEqual(restart, -1)
      const main = at((a) => a._tag === "Put" && a.change.path === example.host.kind.main)
      const dropIn = last((a) => a._tag === "Put" && a.change.path.endsWith("kata-deploy.toml"))
      if (main >= 0 && dropIn >= 0) assert.isAbove(main, dropIn)
      if (dropIn >= 0)
        assert.isAbove(
          dropIn,
          at((a) => a._tag === "Extract"),
        )
    }),
  )

  law(
    "a cleanup that fails on the host keeps the mark, and restarts all the same",
    fc.tuple(withinReach, fc.nat()),
    Effect.fnUntraced(function* ([example, chance]) {
      const cleanup = Effect.fnUntraced(function* (failing: number | undefined) {
        const node = nodeOf(example)
        yield* node.run("install", example.asked)
        node.files.faults.reset()
        node.shell.faults.reset()
        if (failing !== undefined) node.files.faults.failAt(failing, { _tag: "Io", code: "EIO" })
        const result = yield* Effect.result(node.run("cleanup", example.asked))
        assert.strictEqual(result._tag, failing === undefined ? "Success" : "Failure")
        return node
      })
      const smooth = yield* cleanup(undefined)
      const { operations } = smooth.files.faults
      // Where a restart is to come, the ledger goes with it, and then nothing is left that a mark would lead to.
      const last = operations.findLastIndex(({ subject }) => subject.endsWith("/ledger.json"))
      const restarts = smooth.shell.faults.operations.some(({ verb }) => verb === "restart")
      // A journal that cannot be closed is worth a notice, and the next run closes it.
      const grave = operations.flatMap(({ subject }, at) =>
        subject.includes("/journal/") || (restarts && at >= last) ? [] : [at + 1],
      )
      const node = yield* cleanup(grave[chance % grave.length])
      const instance = example.asked.variables["MULTI_INSTALL_SUFFIX"] ?? "default"
      assert.strictEqual(node.api.labels.get(NodeMarks.markOf(instance)), "false")
      assert.deepStrictEqual(node.shell.faults.operations, smooth.shell.faults.operations)
    }),
  )
})
