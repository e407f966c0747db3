/**
 * Answers: which operation of a double fails, and how? Every mutating operation is recorded and numbered from 1 on;
 * a fault is planted by number or by what the operation concerns.
 */
import { Effect } from "effect"

/** One mutating operation, as `verb subject`: `put /etc/containerd/config.toml`. */
export interface Operation {
  /** Which kind, such as `put` or `restart`. */
  readonly verb: string
  /** What it concerned: a host path, a unit, a label. */
  readonly subject: string
}

/** What a process that is killed looks like to a test; a defect, so that nothing handles it. */
export class Crash extends Error {
  override readonly name = "Crash"
}

interface Fault<R> {
  readonly matches: (operation: Operation, number: number) => boolean
  readonly happens: { readonly _tag: "Fails"; readonly reason: R } | { readonly _tag: "Crashes" }
  readonly when: "before" | "after"
  readonly times: number
  used: number
}

/** The record of a double's operations and the faults planted in it. */
export class MemoryFaults<R> {
  /** Every mutating operation that was begun, in order. */
  readonly operations: Array<Operation> = []
  private readonly faults: Array<Fault<R>> = []
  /** Where the process died; a dead one does nothing any more, whatever it still tries. */
  private death: Crash | undefined

  /**
   * The `number`-th operation (from 1) fails with `reason`: without having done anything, or `after` it was done, as a
   * rename does whose directory cannot be synced.
   */
  failAt(number: number, reason: R, when: "before" | "after" = "before"): void {
    this.plant((_, n) => n === number, { _tag: "Fails", reason }, when, 1)
  }

  /** Operations on `subject` fail with `reason`, at most `times` times (default: always). */
  failOn(subject: string, reason: R, times = Number.POSITIVE_INFINITY): void {
    this.plant((operation) => operation.subject === subject, { _tag: "Fails", reason }, "before", times)
  }

  /** The process dies just before the `number`-th operation (from 1), or just after it. */
  crashAt(number: number, when: "before" | "after" = "before"): void {
    this.plant((_, n) => n === number, { _tag: "Crashes" }, when, 1)
  }

  /** Forgets faults and operations, as for a new process on the same host. */
  reset(): void {
    this.operations.length = 0
    this.faults.length = 0
    this.death = undefined
  }

  private plant(
    matches: Fault<R>["matches"],
    happens: Fault<R>["happens"],
    when: Fault<R>["when"],
    times: number,
  ): void {
    this.faults.push({ matches, happens, when, times, used: 0 })
  }

  private fault(
    operation: Operation,
    number: number,
    when: "before" | "after",
  ): Fault<R>["happens"] | undefined {
    const found = this.faults.find(
      (fault) => fault.when === when && fault.used < fault.times && fault.matches(operation, number),
    )
    if (found === undefined) return undefined
    found.used++
    return found.happens
  }

  /** Records the operation, and runs it unless a fault is in its way. */
  around<A, E>(
    operation: Operation,
    toError: (reason: R) => E,
    run: Effect.Effect<A, E>,
  ): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      if (this.death !== undefined) return Effect.die(this.death)
      const number = this.operations.push(operation)
      const before = this.fault(operation, number, "before")
      if (before?._tag === "Crashes") return this.die(`before ${operation.verb} ${operation.subject}`)
      if (before?._tag === "Fails") return Effect.fail(toError(before.reason))
      return Effect.tap(run, () => {
        const after = this.fault(operation, number, "after")
        if (after?._tag === "Fails") return Effect.fail(toError(after.reason))
        return after === undefined ? Effect.void : this.die(`after ${operation.verb} ${operation.subject}`)
      })
    })
  }

  private die(where: string): Effect.Effect<never> {
    this.death = new Crash(where)
    return Effect.die(this.death)
  }
}
