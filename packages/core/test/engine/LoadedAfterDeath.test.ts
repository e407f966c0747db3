/** Has the CRI runtime loaded what is on disk once a run died, wherever that was, and another one came to its end? */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { make, ports, type Wish, words } from "./LoadingNode.ts"

interface Life {
  readonly first: ReadonlyArray<Wish>
  readonly dies: Wish
  readonly serves: "nothing of ours" | "whatever"
}

const lives: ReadonlyArray<Life> = [
  { first: [], dies: ["install", "qemu"], serves: "whatever" },
  { first: [], dies: ["install", "qemu"], serves: "nothing of ours" },
  { first: [["install", "qemu"]], dies: ["install", "qemu clh"], serves: "whatever" },
  { first: [["install", "qemu"]], dies: ["install", "qemu clh"], serves: "nothing of ours" },
  { first: [["install", "qemu"]], dies: ["rollback", "qemu"], serves: "whatever" },
  {
    first: [
      ["install", "qemu"],
      ["install", "qemu clh"],
    ],
    dies: ["rollback", "qemu"],
    serves: "whatever",
  },
  { first: [["install", "qemu"]], dies: ["cleanup", "qemu"], serves: "whatever" },
  { first: [["install", "qemu"]], dies: ["cleanup-stage-revert-cri", "qemu"], serves: "whatever" },
]

const next: ReadonlyArray<Wish> = [
  ["install", "qemu"],
  ["cleanup", "qemu"],
  ["rollback", "qemu"],
]

/** What a run asks of each port. */
const operationsOf = Effect.fnUntraced(function* ({ dies, first, serves }: Life) {
  const whole = make()
  for (const wish of first) yield* whole.run(wish)
  whole.reset()
  whole.serves(serves)
  yield* Effect.exit(whole.run(dies))
  return ports.map((port) => ({ port, operations: [...whole.node[port].faults.operations] }))
})

describe("what the CRI runtime has loaded", () => {
  for (const life of lives)
    for (const then of next) {
      const { dies, first, serves } = life
      const before = first.length === 0 ? "" : `, behind ${first.map(words).join(" and ")}`
      const death = `${words(dies)} died${before}, and ${serves} was served`
      it.effect(`is what is on disk after ${death}, and the next was ${words(then)}`, () =>
        Effect.gen(function* () {
          for (const { operations, port } of yield* operationsOf(life))
            for (let at = 1; at <= operations.length; at++) {
              const { loaded, node, onDisk, reset, run, serves: sees } = make()
              for (const wish of first) yield* run(wish)
              reset()
              sees(serves)
              node[port].faults.crashAt(at, at % 2 === 0 ? "before" : "after")
              yield* Effect.exit(run(dies))
              reset()
              sees("whatever")
              const exit = yield* Effect.exit(run(then))
              const about = `${at}: ${operations[at - 1]!.verb} ${operations[at - 1]!.subject}`
              // There may be nothing to roll back.
              if (then[0] === "rollback" && Exit.isFailure(exit)) continue
              assert.isTrue(Exit.isSuccess(exit), about)
              assert.strictEqual(loaded(), onDisk(), about)
            }
        }),
      )
    }
})
