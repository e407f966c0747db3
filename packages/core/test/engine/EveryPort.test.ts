import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { type HostError, NodeMarks, Run } from "../../src/index.ts"
import * as Node from "./SampleNode.ts"
import * as SystemdNode from "./SystemdNode.ts"

const { request } = SystemdNode

const refusals: ReadonlyArray<HostError.HostErrorReason> = [
  { _tag: "TimedOut", seconds: 300 },
  { _tag: "Refused", detail: "Transport endpoint is not connected" },
]
const answers = ["503 Service Unavailable", "the API server gave no answer within 10 s"]

/** What may fail besides files: units and the Node object. */
const ports = ["shell", "api"] as const

const booked = (node: SystemdNode.SystemdNode) =>
  Object.fromEntries(
    Object.entries(Node.snapshot(node.files)).filter(
      ([path]) => !path.includes("/journal/") && !path.endsWith("/ledger.json"),
    ),
  )

/** The tree without what a cleanup leaves whose restart failed: a ledger that owns nothing and names the restart. */
const withoutOwed = (node: SystemdNode.SystemdNode) =>
  Object.fromEntries(
    Object.entries(booked(node)).filter(
      ([path]) => path !== "/opt/kata" && !path.startsWith("/opt/kata/.kata-deploy"),
    ),
  )

/** Plants the failure of one operation of a port. */
const plant = (node: SystemdNode.SystemdNode, port: (typeof ports)[number], at: number): void => {
  if (port === "shell") node.shell.faults.failAt(at, refusals[at % refusals.length]!)
  else node.api.faults.failAt(at, answers[at % answers.length]!)
}

const reset = (node: SystemdNode.SystemdNode): void => {
  node.shell.faults.reset()
  node.api.faults.reset()
}

const run = (node: SystemdNode.SystemdNode, asked: Run.Request) => Run.run(asked).pipe(node.on)

/** A failure is one that people can do something with, and no defect of ours. */
const isClear = (exit: Exit.Exit<unknown, Run.RunError>, about: string): void => {
  if (Exit.isSuccess(exit)) return
  const error = Cause.findErrorOption(exit.cause)
  assert.strictEqual(error._tag, "Some", about)
  if (error._tag === "Some") assert.match(error.value.message, /^Could not .{20,}/, about)
}

const served = { [NodeMarks.sharedLabel]: "true", [NodeMarks.markOf("default")]: "true" }

describe("an install of which one request to systemd or to the API fails", () => {
  for (const port of ports) {
    it.effect(`(${port}) says so and leaves no half stage, or goes on without; the second one succeeds`, () =>
      Effect.gen(function* () {
        const undisturbed = SystemdNode.make()
        const before = booked(undisturbed)
        yield* run(undisturbed, request("install-stage-artifacts"))
        const unpacked = booked(undisturbed)
        const whole = SystemdNode.make()
        yield* run(whole, request("install"))
        const operations = [...whole[port].faults.operations]
        assert.isAtLeast(operations.length, 3)
        let failed = 0
        for (let at = 1; at <= operations.length; at++) {
          const node = SystemdNode.make()
          plant(node, port, at)
          const exit = yield* Effect.exit(run(node, request("install")))
          const about = `${operations[at - 1]!.verb} ${operations[at - 1]!.subject} (${at})`
          isClear(exit, about)
          if (Exit.isFailure(exit)) {
            failed++
            const now = JSON.stringify(booked(node))
            const clean = [before, unpacked, booked(whole)].map((tree) => JSON.stringify(tree))
            assert.include(clean, now, about)
            assert.strictEqual(node.api.events.at(-1)?.severity, "warning", about)
          }
          reset(node)
          const report = yield* run(node, request("install"))
          assert.strictEqual(report.outcome, "done", about)
          assert.deepStrictEqual(booked(node), booked(whole), about)
          assert.deepStrictEqual(Object.fromEntries(node.api.labels), served, about)
          assert.strictEqual(node.shell.units.get(SystemdNode.unit), "active", about)
        }
        assert.isAbove(failed, 0)
      }),
    )
  }
})

describe("a cleanup of which one request to systemd or to the API fails", () => {
  for (const port of ports) {
    it.effect(`(${port}) tries the rest, says so, and is finished by the next one`, () =>
      Effect.gen(function* () {
        const whole = SystemdNode.make({ labels: { zone: "a" } })
        const before = booked(whole)
        yield* run(whole, request("install"))
        reset(whole)
        yield* run(whole, request("cleanup"))
        assert.deepStrictEqual(booked(whole), before)
        const operations = [...whole[port].faults.operations]
        assert.isAtLeast(operations.length, 2)
        for (let at = 1; at <= operations.length; at++) {
          const node = SystemdNode.make({ labels: { zone: "a" } })
          yield* run(node, request("install"))
          reset(node)
          plant(node, port, at)
          const exit = yield* Effect.exit(run(node, request("cleanup")))
          const about = `${operations[at - 1]!.verb} ${operations[at - 1]!.subject} (${at})`
          isClear(exit, about)
          assert.isTrue(Exit.isFailure(exit), about)
          assert.deepStrictEqual(withoutOwed(node), before, about)
          reset(node)
          yield* run(node, request("cleanup"))
          assert.deepStrictEqual(booked(node), before, about)
          assert.deepStrictEqual(Object.fromEntries(node.api.labels), { zone: "a" }, about)
        }
      }),
    )
  }
})
