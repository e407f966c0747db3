/**
 * Sees whether the CRI runtime serves our handlers after its restart, by the witnesses of `RuntimeEvidence` in their
 * order. Patient: CRI is loaded a little after the unit is active, and a kubelet reports every ten seconds or so.
 */
import { Clock, Effect } from "effect"
import * as RuntimeEvidence from "../decide/RuntimeEvidence.ts"
import * as RuntimeLog from "../decide/RuntimeLog.ts"
import * as ServedHandlers from "../decide/ServedHandlers.ts"
import { maskSecrets } from "../input/Masking.ts"
import * as Distribution from "../model/Distribution.ts"
import type { AwaitServed } from "../plan/Action.ts"
import { HostError } from "../ports/HostError.ts"
import { HostShell } from "../ports/HostShell.ts"
import { NodeApi } from "../ports/NodeApi.ts"

type Request = typeof AwaitServed.Type

const { criSeconds, everySeconds, notLoadedSeconds, unitSeconds } = RuntimeEvidence.pace

const ofCri = Effect.fnUntraced(function* ({ handlers, socket }: Request) {
  const shell = yield* HostShell
  const deadline = (yield* Clock.currentTimeMillis) + criSeconds * 1000
  let withoutCriSince: number | undefined
  for (;;) {
    const cri = yield* shell.criStatus(socket)
    const said = RuntimeEvidence.ofCri(handlers, cri)
    const now = yield* Clock.currentTimeMillis
    const isWithoutCri = cri._tag === "Known" && cri.value.notLoaded !== undefined
    withoutCriSince = isWithoutCri ? (withoutCriSince ?? now) : undefined
    const isOver =
      now >= deadline || (withoutCriSince !== undefined && now - withoutCriSince >= notLoadedSeconds * 1000)
    // A socket that nobody shows us stays out of sight; one that refuses may be answered soon.
    const mayComeUp =
      said?._tag === "NotServed" ||
      said?._tag === "Partly" ||
      (cri._tag === "Unknown" && cri.how === "failed")
    if (!mayComeUp || isOver) return said
    yield* Effect.sleep(`${everySeconds} seconds`)
  }
})

const ofNode = Effect.fnUntraced(function* ({ handlers }: Request) {
  const api = yield* NodeApi
  const { pace } = ServedHandlers
  const deadline = (yield* Clock.currentTimeMillis) + pace.forSeconds * 1000
  let looking = ServedHandlers.start(handlers)
  for (;;) {
    const node = yield* api.node
    if (node._tag === "Unknown" && node.how === "not-asked") return undefined
    const reported = node._tag === "Known" ? node.value.runtimeHandlers : undefined
    const seen: ServedHandlers.Look =
      node._tag === "Unknown"
        ? { _tag: "Failed" }
        : reported === undefined
          ? { _tag: "NotReported" }
          : { _tag: "Read", handlers: reported }
    const next = ServedHandlers.look(looking, seen)
    if (next.verdict !== undefined) return RuntimeEvidence.ofNode(next.verdict)
    looking = next.looking
    if ((yield* Clock.currentTimeMillis) >= deadline)
      return RuntimeEvidence.ofNode(ServedHandlers.timeOver(looking))
    yield* Effect.sleep(`${pace.everySeconds} seconds`)
  }
})

const ofUnit = Effect.fnUntraced(function* ({ unit }: Request) {
  const shell = yield* HostShell
  const first = yield* shell.unitRun(unit)
  if (first._tag === "Known" && first.value.state === "active") yield* Effect.sleep(`${unitSeconds} seconds`)
  return RuntimeEvidence.ofUnit(unit, first, yield* shell.unitRun(unit))
})

/** What the first witness says that can tell. */
export const gather = Effect.fn("Evidence.gather")(function* (
  request: Request,
): Effect.fn.Return<RuntimeEvidence.Testimony, never, HostShell | NodeApi> {
  return (yield* ofCri(request)) ?? (yield* ofNode(request)) ?? (yield* ofUnit(request))
})

/**
 * What the runtime says over CRI where nothing was restarted. `undefined` when it cannot tell, and when it serves none:
 * it may not have loaded yet what is on disk.
 */
export const atPresent = Effect.fn("Evidence.atPresent")(function* (
  runtime: string,
  handlers: ReadonlyArray<string>,
): Effect.fn.Return<RuntimeEvidence.Testimony | undefined, never, HostShell> {
  const row = Distribution.lookup(runtime)
  if (row === undefined || handlers.length === 0) return undefined
  const shell = yield* HostShell
  const said = RuntimeEvidence.ofCri(handlers, yield* shell.criStatus(row.socket))
  return said?._tag === "NotServed" ? undefined : said
})

/**
 * A failure of a unit with what its log says since a time (milliseconds since the epoch). A runtime's log may quote the
 * line of a file that holds a secret, and the failure goes to reports, events and traces: it is masked here, once.
 */
export const withLog = Effect.fn("Evidence.withLog")(function* (
  error: HostError,
  unit: string,
  since: number,
): Effect.fn.Return<HostError, never, HostShell> {
  const shell = yield* HostShell
  const log = yield* shell.unitLog(unit, since)
  const reasons = log._tag === "Known" ? RuntimeLog.reasons(log.value).map(maskSecrets) : []
  if (reasons.length === 0) return error
  const detail =
    error.reason._tag === "Refused"
      ? error.reason.detail
      : error.reason._tag === "TimedOut"
        ? `no answer within ${error.reason.seconds} s`
        : "it failed"
  return new HostError({
    operation: error.operation,
    path: error.path,
    reason: { _tag: "Refused", detail: `${detail}. Its log says: ${reasons.join(" | ")}` },
    unit,
  })
})

/** Fails when the runtime is down or serves none of the handlers. */
export const awaitServed = Effect.fn("Evidence.awaitServed")(function* (
  request: Request,
): Effect.fn.Return<RuntimeEvidence.Testimony, HostError, HostShell | NodeApi> {
  const said = yield* gather(request)
  if (said._tag !== "NotServed") return said
  return yield* Effect.fail(
    new HostError({
      operation: `see ${request.unit} serve ${request.handlers.join(", ")}`,
      path: undefined,
      reason: { _tag: "Refused", detail: said.because },
      unit: request.unit,
    }),
  )
})
