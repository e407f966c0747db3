import { Effect, Result } from "effect"
import { assert, describe } from "vitest"
import { HostPath, Ledger, NodeMarks, Ownership, Plan } from "../../src/index.ts"
import { installDirOf, law, neighbours, type Node, nodeOf } from "./Generators.ts"
import type { Asked } from "./GeneratedSettings.ts"

/** What the ledger of an operator's instance says. */
const ledgerOf = (node: Node, by: Asked): Ledger.Ledger => {
  const state = node.look(Ledger.pathIn(node.stateDirOf(by)))
  assert(state._tag === "File")
  return Result.getOrThrow(Ledger.decode(state.text))
}

/** Every path that the changing steps of a plan name. */
const named = (plan: Plan.Plan): ReadonlyArray<string> =>
  plan.stages.flatMap(Plan.changingSteps).flatMap(({ action }): ReadonlyArray<string> => {
    switch (action._tag) {
      case "Put":
        return [action.change.path]
      case "Record":
        return [action.path]
      case "Extract":
        return [action.into, action.staging]
      case "Prune":
        return action.directories
      case "RemoveTree":
        assert(action.entries !== "everything")
        return [action.root, ...action.entries.map((e) => HostPath.join(action.root, e.path))]
      default:
        return []
    }
  })

/** What belongs to an instance on the host: its own files, and everything below its install directory. */
const possessions = (node: Node, by: Asked) => {
  const real = (path: HostPath.HostPath): HostPath.HostPath => {
    const at = node.files.tree.resolve(HostPath.join(path, "x"))
    return at._tag === "Place" ? HostPath.parent(at.path) : path
  }
  const own = new Set<string>(ledgerOf(node, by).files.map((file) => file.path))
  const installDir = real(installDirOf(by))
  return Object.entries(node.snapshot()).filter(
    ([path]) => own.has(path) || HostPath.isWithin(HostPath.make(path), installDir),
  )
}

/** Checks a plan of one instance against another that is installed. */
const keepsAway = (node: Node, plan: Plan.Plan, instance: string, other: Asked): void => {
  const { files } = ledgerOf(node, other)
  const theirs = new Set<string>(files.map((file) => file.path))
  const trespassing = named(plan).filter(
    (path) => theirs.has(path) || HostPath.isWithin(HostPath.make(path), installDirOf(other)),
  )
  assert.deepStrictEqual(trespassing, [])
  // The CRI runtime's unit is everybody's; that of a snapshotter is the one's whose unit file it is.
  const isOurs = (unit: string): boolean =>
    unit.startsWith("nydus-for-kata-")
      ? !theirs.has(`/etc/systemd/system/${unit}`)
      : node.shell.units.has(unit)
  for (const { action } of plan.stages.flatMap((stage) => stage.steps)) {
    if (action._tag === "Mark") assert.strictEqual(action.instance, instance)
    if (action._tag === "Unit" || action._tag === "AwaitUnit") assert.isTrue(isOurs(action.unit), action.unit)
  }
}

describe("L3 Isolation", () => {
  law(
    "a plan of one instance names no path, unit or mark of another",
    neighbours,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      const { asked, second } = example
      yield* node.run("install", asked)
      keepsAway(node, yield* node.plan("install", second), "b", asked)
      yield* node.run("install", second)
      keepsAway(node, yield* node.plan("install", asked), "default", second)
      keepsAway(node, yield* node.plan("cleanup", asked), "default", second)
      keepsAway(node, yield* node.plan("cleanup", second), "b", asked)
    }),
  )

  for (const [going, staying] of [
    ["asked", "second"],
    ["second", "asked"],
  ] as const) {
    law(
      `when the ${going === "asked" ? "first" : "second"} of two instances goes, the other keeps every byte and stays served`,
      neighbours,
      Effect.fnUntraced(function* (example) {
        const node = nodeOf(example)
        yield* node.run("install", example.asked)
        yield* node.run("install", example.second)
        const before = possessions(node, example[staying])
        const mark = NodeMarks.markOf(staying === "second" ? "b" : "default")
        const label = node.api.labels.get(mark)
        const { edits } = ledgerOf(node, example[staying])
        yield* node.run("cleanup", example[going])
        assert.deepStrictEqual(possessions(node, example[staying]), before)
        assert.strictEqual(node.api.labels.get(mark), label)
        for (const edit of edits) {
          assert(edit.kind === "import")
          const main = node.look(edit.path)
          assert.isTrue(main._tag === "File" && Ownership.stillImports(main.text, edit.elements))
        }
        // The shared main config is another one now, so that a restart may be due; nothing else is.
        const again = named(yield* node.plan("install", example[staying]))
        assert.deepStrictEqual(
          again.filter((path) => path !== Ledger.pathIn(node.stateDirOf(example[staying]))),
          [],
        )
      }),
    )
  }
})
