/**
 * Answers: what goes wrong with which request? Faults are planted with a number of times; the first one that matches a
 * request happens to it.
 */
import type { RequestLine } from "./RequestLine.ts"
import { failure, type Reply, tooManyRequests } from "./Statuses.ts"

/** What can happen to a request. */
export type ApiFault =
  /** It is answered like this, and not done. */
  | { readonly _tag: "Answers"; readonly reply: Reply }
  /** The connection is reset before anything is answered; it was done all the same where `when` is `after`. */
  | { readonly _tag: "Resets"; readonly when: "before" | "after" }
  /** It is never answered. */
  | { readonly _tag: "Hangs" }
  /** The answer comes one byte at a time, with that many milliseconds in between. */
  | { readonly _tag: "Crawls"; readonly millis: number }
  /** The connection ends in the middle of the answer. */
  | { readonly _tag: "EndsEarly" }

/** The answer of an API server that is overloaded. */
export const busy = (seconds: number): ApiFault => ({ _tag: "Answers", reply: tooManyRequests(seconds) })

/** The answer of an API server that has lost its etcd. */
export const broken: ApiFault = {
  _tag: "Answers",
  reply: failure(500, { message: "etcdserver: request timed out" }),
}

/** An answer of the test's own making. */
export const answers = (reply: Reply): ApiFault => ({ _tag: "Answers", reply })

/** The connection is reset; the request was done first where `when` is `after`. */
export const resets = (when: "before" | "after" = "before"): ApiFault => ({ _tag: "Resets", when })

/** A request that is never answered. */
export const hangs: ApiFault = { _tag: "Hangs" }

/** An answer that takes its time. */
export const crawls = (millis: number): ApiFault => ({ _tag: "Crawls", millis })

/** An answer that breaks off in the middle. */
export const endsEarly: ApiFault = { _tag: "EndsEarly" }

/** Which requests a fault is for; what is left out matches anything. */
export interface FaultTarget {
  readonly verb?: RequestLine["verb"]
  /** Resource in the plural. */
  readonly resource?: string
  /** How often it happens; once when left out. */
  readonly times?: number
}

/** Faults that wait for their request. */
export class PlantedFaults {
  private readonly planted: Array<{ readonly fault: ApiFault; readonly target: FaultTarget; left: number }> =
    []

  /** Plants a fault. */
  plant(fault: ApiFault, target: FaultTarget = {}): void {
    this.planted.push({ fault, target, left: target.times ?? 1 })
  }

  /** The fault that happens to a request, used up by it. */
  take({ type, verb }: RequestLine): ApiFault | undefined {
    const found = this.planted.find(
      ({ left, target }) =>
        left > 0 && (target.verb ?? verb) === verb && (target.resource ?? type.plural) === type.plural,
    )
    if (found === undefined) return undefined
    found.left -= 1
    return found.fault
  }
}
