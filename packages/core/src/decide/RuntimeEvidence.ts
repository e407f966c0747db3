/**
 * Answers: does the CRI runtime serve our handlers after its restart? Three witnesses in this order: the runtime
 * itself over CRI, the Node object, and a unit that stays active with one and the same process. A job of systemd that
 * says "done" is none: containerd can be down right after it. Source: decisions §11.
 */
import type { Fact } from "../input/Fact.ts"
import type { UnitRun } from "../ports/HostShell.ts"
import type { CriStatus } from "../ports/HostSight.ts"
import type { ServedVerdict } from "./ServedHandlers.ts"

/** What a witness says. */
export type Testimony =
  | { readonly _tag: "Served"; readonly because: string }
  | { readonly _tag: "Partly"; readonly missing: ReadonlyArray<string>; readonly because: string }
  /** The runtime is up, and whether it serves our handlers cannot be seen; accepted, and said. */
  | { readonly _tag: "Unseen"; readonly because: string }
  /** The runtime is down, its CRI is not loaded, or it serves none of our handlers. */
  | { readonly _tag: "NotServed"; readonly because: string }

/**
 * Patience in seconds: CRI comes up a little after the unit, and a unit is watched before it is believed. A daemon that
 * answers without its CRI has loaded all that it is going to load (containerd 1.6, 1.7, 2.1: plugins come before the
 * socket), and each second counts on a node that can run no pods.
 */
export const pace = { everySeconds: 2, criSeconds: 30, notLoadedSeconds: 10, unitSeconds: 10 } as const

/** What the runtime says over CRI; `undefined` when this witness cannot tell, and the next one is asked. */
export const ofCri = (expected: ReadonlyArray<string>, cri: Fact<CriStatus>): Testimony | undefined => {
  if (cri._tag === "Unknown") return undefined
  const { handlers, notLoaded, ready, runtime } = cri.value
  if (notLoaded !== undefined)
    return { _tag: "NotServed", because: `${runtime} answers, but its CRI is not loaded: ${notLoaded}` }
  if (!ready)
    return { _tag: "NotServed", because: `${runtime} answers, but says over CRI that it is not ready` }
  if (handlers === undefined) return undefined
  const missing = expected.filter((handler) => !handlers.includes(handler))
  if (missing.length === 0) return { _tag: "Served", because: `${runtime} lists them over CRI` }
  return missing.length === expected.length
    ? { _tag: "NotServed", because: `${runtime} lists none of ${expected.join(", ")} over CRI` }
    : { _tag: "Partly", missing, because: `${runtime} lists the others over CRI` }
}

/** What the Node object says; `undefined` when it does not say anything. */
export const ofNode = (verdict: ServedVerdict): Testimony | undefined => {
  switch (verdict._tag) {
    case "Unknown":
      return undefined
    case "AllLoaded":
      return { _tag: "Served", because: "the node reports its handlers" }
    case "Missing":
      return verdict.served === "some"
        ? { _tag: "Partly", missing: verdict.missing, because: "the node reports the others" }
        : { _tag: "NotServed", because: `the node reports none of ${verdict.missing.join(", ")}` }
  }
}

/** What the unit says by two looks, `pace.unitSeconds` apart. */
export const ofUnit = (unit: string, first: Fact<UnitRun>, second: Fact<UnitRun>): Testimony => {
  if (first._tag === "Unknown" || second._tag === "Unknown") {
    const why = first._tag === "Unknown" ? first.why : second._tag === "Unknown" ? second.why : ""
    return { _tag: "Unseen", because: `the state of ${unit} could not be seen (${why})` }
  }
  if (first.value.state !== "active" || second.value.state !== "active") {
    const { result, state, subState } = second.value
    return { _tag: "NotServed", because: `${unit} is ${state} (${subState}, ${result})` }
  }
  return first.value.mainPid === second.value.mainPid
    ? { _tag: "Unseen", because: `${unit} stays active, and nothing tells which handlers it serves` }
    : { _tag: "NotServed", because: `${unit} was started again by itself within ${pace.unitSeconds} s` }
}
