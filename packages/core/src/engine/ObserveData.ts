/**
 * Answers: what does containerd have of the snapshotters whose data is to be purged? Asked at the socket of the runtime
 * that the ledger names, or else of the one that is detected: after an uninstall there is no ledger any more.
 */
import { Effect, Result } from "effect"
import * as NydusMode from "../decide/NydusMode.ts"
import type { Policies } from "../decide/Policies.ts"
import * as SnapshotterData from "../decide/SnapshotterData.ts"
import * as Fact from "../input/Fact.ts"
import type { Facts } from "../input/Facts.ts"
import * as FactsOf from "../input/Facts.ts"
import type { Settings } from "../input/Settings.ts"
import * as Distribution from "../model/Distribution.ts"
import type { RuntimeRow } from "../model/Distribution.ts"
import type { HostPath } from "../model/HostPath.ts"
import { detect } from "../plan/InstallPlan.ts"
import { Containerd } from "../ports/Containerd.ts"
import { describe, type HostError } from "../ports/HostError.ts"
import { HostShell } from "../ports/HostShell.ts"
import { ContainerdAt } from "./ContainerdAt.ts"
import * as Sight from "./SnapshotsSight.ts"

/** Whose data, and what finds the runtime. */
export interface DataRequest {
  readonly settings: Settings
  readonly policies: Policies
}

/** What containerd at a socket has of these snapshotters; the namespaces are asked for once. */
export const outlooks = Effect.fn("ObserveData.outlooks")(function* (
  socket: HostPath,
  snapshotters: ReadonlyArray<string>,
): Effect.fn.Return<Readonly<Record<string, SnapshotterData.Outlook>>, HostError> {
  const at = yield* ContainerdAt
  const looking = Effect.gen(function* () {
    const containerd = yield* Containerd
    const namespaces = yield* containerd.namespaces
    return yield* Effect.forEach(snapshotters, (name) =>
      Effect.map(
        Effect.forEach(namespaces, (namespace) => Sight.namespace(namespace, name)),
        (looks) => [name, SnapshotterData.outlook(looks, name)] as const,
      ),
    )
  })
  return Object.fromEntries(yield* Effect.provide(looking, at(socket)))
})

/** The row of the runtime whose snapshotters they are; `undefined` where nobody can tell. */
const rowOf = (facts: Facts, { policies, settings }: DataRequest): RuntimeRow | undefined => {
  const remembered = FactsOf.ledgerOf(facts)?.runtime
  if (remembered !== undefined) return Distribution.lookup(remembered)
  return Result.getOrUndefined(detect({ settings, facts, policies }))?.row
}

const sightOf = Effect.fnUntraced(function* (
  row: RuntimeRow | undefined,
  names: ReadonlyArray<string>,
): Effect.fn.Return<Facts["snapshotterData"]> {
  if (row === undefined) return Fact.unknown("failed", "it is not known which CRI runtime this node has")
  if (row.layout === "crio")
    return Fact.unknown("out-of-sight", `the CRI runtime of this node is ${row.runtime} now`)
  return yield* Effect.match(outlooks(row.socket, names), {
    onFailure: ({ reason }) => Fact.unknown("failed", describe(reason)),
    onSuccess: (found) => Fact.known({ socket: row.socket, outlooks: found }),
  })
})

/** Looks at the data of both modes of nydus: at their units, and at what containerd has of them. */
export const observe = Effect.fn("ObserveData.observe")(function* (
  facts: Facts,
  request: DataRequest,
): Effect.fn.Return<Facts, never, HostShell> {
  const shell = yield* HostShell
  const places = NydusMode.all.map((mode) => NydusMode.paths(mode, request.settings.instance))
  const states = yield* Effect.forEach(places, ({ unit }) =>
    Effect.map(shell.unitState(unit), (state) => [unit, state] as const),
  )
  const snapshotterData = yield* sightOf(
    rowOf(facts, request),
    places.map(({ name }) => name),
  )
  return { ...facts, snapshotterUnits: new Map(states), snapshotterData }
})
