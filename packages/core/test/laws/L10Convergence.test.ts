import { Effect, Exit } from "effect"
import * as fc from "fast-check"
import { assert, describe } from "vitest"
import { make, ports, type Wish } from "../engine/LoadingNode.ts"
import * as Node from "../engine/SampleNode.ts"
import { law } from "./Generators.ts"

const wish = fc.constantFrom<Wish>(
  ["install", "qemu"],
  ["install", "qemu clh"],
  ["install-stage-artifacts", "qemu"],
  ["install-stage-cri", "qemu"],
  ["rollback", "qemu"],
  ["cleanup", "qemu"],
  ["cleanup-stage-revert-cri", "qemu"],
  ["cleanup-stage-remove-artifacts", "qemu"],
)

/** A run that is killed or disturbed at one operation; afterwards the node may be started anew. */
const disaster = fc.record({
  wish,
  port: fc.constantFrom(...ports),
  at: fc.integer({ min: 1, max: 45 }),
  when: fc.constantFrom("before" as const, "after" as const),
  how: fc.constantFrom("dies" as const, "fails" as const),
  serves: fc.constantFrom("nothing of ours" as const, "whatever" as const),
  reboots: fc.boolean(),
})
type Disaster = typeof disaster extends fc.Arbitrary<infer A> ? A : never

const plant = ({ node }: ReturnType<typeof make>, { at, how, port, when }: Disaster): void => {
  if (how === "dies") node[port].faults.crashAt(at, when)
  else if (port === "files") node.files.faults.failAt(at, { _tag: "Io", code: "EIO" }, when)
  else if (port === "shell") node.shell.faults.failAt(at, { _tag: "TimedOut", seconds: 300 }, when)
  else node.api.faults.failAt(at, "503 Service Unavailable", when)
}

/** All that an install that died before it could write anything down may leave behind. */
const withoutBare = ({ node }: ReturnType<typeof make>) => {
  const { "/opt/kata": _, ...rest } = Node.snapshot(node.files)
  return rest
}

describe("L10 Convergence", () => {
  law(
    "after any number of runs that died or failed, an install or cleanup ends right, and is what the runtime has loaded",
    fc.record({
      before: fc.array(wish, { maxLength: 2 }),
      disasters: fc.array(disaster, { minLength: 1, maxLength: 3 }),
      last: fc.constantFrom<Wish>(["install", "qemu"], ["install", "clh"], ["cleanup", "qemu"]),
    }),
    Effect.fnUntraced(function* ({ before, disasters, last }) {
      const life = make()
      const original = withoutBare(life)
      for (const each of before) yield* Effect.exit(life.run(each))
      for (const each of disasters) {
        life.reset()
        life.serves(each.serves)
        plant(life, each)
        yield* Effect.exit(life.run(each.wish))
        life.reset()
        if (each.reboots) yield* life.reboot
      }
      life.serves("whatever")
      for (const each of [last, ["cleanup", "qemu"]] satisfies ReadonlyArray<Wish>) {
        assert.isTrue(Exit.isSuccess(yield* Effect.exit(life.run(each))), each.join(" "))
        assert.strictEqual(life.loaded(), life.onDisk(), each.join(" "))
      }
      assert.deepStrictEqual(withoutBare(life), original)
    }),
  )
})
