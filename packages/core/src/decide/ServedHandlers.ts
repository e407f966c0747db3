/**
 * Answers: does the CRI runtime serve our handlers, as the Node reports them? Looks are folded one by one, so that
 * whoever polls only has to wait in between. Source: spec 08 §3, §5; decisions §11.
 */
import type { Settings } from "../input/Settings.ts"

/** What one look at `status.runtimeHandlers` gives. */
export type Look =
  | { readonly _tag: "Read"; readonly handlers: ReadonlyArray<string> }
  /** The cluster does not report handlers: the kubelet is older than 1.30, or the feature is off. */
  | { readonly _tag: "NotReported" }
  | { readonly _tag: "Failed" }

/** What the looks came to. */
export type ServedVerdict =
  | { readonly _tag: "AllLoaded" }
  | { readonly _tag: "Missing"; readonly missing: ReadonlyArray<string>; readonly served: "none" | "some" }
  /** Not known, which is accepted; `why` is a clause for people. */
  | { readonly _tag: "Unknown"; readonly why: string }

/** Polling: seconds between looks, seconds in all, and reads that may fail in a row (spec 09 §12). */
export const pace = { everySeconds: 2, forSeconds: 120, failures: 3 } as const

/** What is remembered between looks. */
export interface Looking {
  readonly expected: ReadonlyArray<string>
  /** Reads that failed since the last good one. */
  readonly failures: number
  readonly lastRead: ReadonlyArray<string> | undefined
}

/** Before the first look. */
export const start = (expected: ReadonlyArray<string>): Looking => ({
  expected,
  failures: 0,
  lastRead: undefined,
})

/** The handlers that have to be served: those of the shims, without variants and custom runtimes (spec 08 §3). */
export const expectedOf = (settings: Pick<Settings, "handlers">): ReadonlyArray<string> =>
  settings.handlers.filter((handler) => handler.kind === "shim").map((handler) => handler.name)

const unknown = (why: string): ServedVerdict => ({ _tag: "Unknown", why })

const verdictOf = (expected: ReadonlyArray<string>, served: ReadonlyArray<string>): ServedVerdict => {
  const missing = expected.filter((handler) => !served.includes(handler))
  return missing.length === 0
    ? { _tag: "AllLoaded" }
    : { _tag: "Missing", missing, served: missing.length === expected.length ? "none" : "some" }
}

/** Takes a look into account; without a verdict there has to be another one. */
export const look = (
  looking: Looking,
  seen: Look,
): { readonly looking: Looking; readonly verdict: ServedVerdict | undefined } => {
  if (looking.expected.length === 0) return { looking, verdict: unknown("no handler is expected") }
  switch (seen._tag) {
    case "NotReported":
      return { looking, verdict: unknown("the cluster does not report runtime handlers") }
    case "Failed": {
      const failures = looking.failures + 1
      const verdict =
        failures < pace.failures
          ? undefined
          : unknown(`the Node could not be read ${failures} times in a row`)
      return { looking: { ...looking, failures }, verdict }
    }
    case "Read": {
      const verdict = verdictOf(looking.expected, seen.handlers)
      return {
        looking: { ...looking, failures: 0, lastRead: seen.handlers },
        verdict: verdict._tag === "AllLoaded" ? verdict : undefined,
      }
    }
  }
}

/** What it comes to when the time is over. */
export const timeOver = ({ expected, lastRead }: Looking): ServedVerdict => {
  if (expected.length === 0) return unknown("no handler is expected")
  return lastRead === undefined
    ? unknown("the Node could not be read in time")
    : verdictOf(expected, lastRead)
}

/** Whether an install has failed: the runtime has ignored or refused the whole configuration. */
export const failsInstall = (verdict: ServedVerdict): boolean =>
  verdict._tag === "Missing" && verdict.served === "none"

/**
 * The rule of the staged way, where one dispatcher asks for a whole release: any one of its handlers is enough, and a
 * cluster that does not report handlers passes (spec 08 §5).
 */
export const servesAny = (
  expected: ReadonlyArray<string>,
  served: ReadonlyArray<string> | undefined,
): boolean => served === undefined || expected.some((handler) => served.includes(handler))
