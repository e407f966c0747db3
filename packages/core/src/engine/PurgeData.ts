/**
 * Removes what a snapshotter stored, as `plan/NydusData.ts` orders it: its snapshots through containerd, and its
 * directory when it has stopped and another look at containerd finds nothing of it. What keeps the data is told as a
 * warning and is no failure; a disk that refuses is one.
 */
import { Effect, Ref } from "effect"
import * as SnapshotterData from "../decide/SnapshotterData.ts"
import type { Notice } from "../input/Problem.ts"
import type { Action } from "../plan/Action.ts"
import type { Containerd } from "../ports/Containerd.ts"
import { describe, type HostError } from "../ports/HostError.ts"
import { HostFiles } from "../ports/HostFiles.ts"
import { HostShell } from "../ports/HostShell.ts"
import { ContainerdAt } from "./ContainerdAt.ts"
import * as ObserveData from "./ObserveData.ts"
import * as Removal from "./Removal.ts"
import * as SnapshotsCarryOut from "./SnapshotsCarryOut.ts"
import type { RemovedSnapshots, StageState } from "./StageState.ts"

type Of<Tag extends Action["_tag"]> = Extract<Action, { readonly _tag: Tag }>

interface Within {
  readonly state: Ref.Ref<StageState>
}

const tell = ({ state }: Within, notice: Notice): Effect.Effect<void> =>
  Ref.update(state, (s) => ({ ...s, notices: [...s.notices, notice] }))

/** Why the directory has to stay by a look at containerd now; `undefined` where nothing refers to it. */
const obstacle = Effect.fnUntraced(function* ({
  snapshotter,
  socket,
}: Pick<Of<"PurgeData">, "snapshotter" | "socket">): Effect.fn.Return<string | undefined> {
  return yield* Effect.match(ObserveData.outlooks(socket, [snapshotter]), {
    onFailure: ({ reason }) => `containerd could not be asked what it has of it (${describe(reason)})`,
    onSuccess: ({ [snapshotter]: after }) => {
      const found = SnapshotterData.disposition(after!)
      return found._tag === "Keep" ? found.because : undefined
    },
  })
})

/** Whoever has the node lock now may be at work on the same snapshots. */
const stoppedAfter = ({ namespaces, snapshotter }: Of<"RemoveSnapshots">, count: number): Notice => ({
  code: "snapshots-removal-stopped",
  severity: "warning",
  message: `${count} of ${namespaces.reduce((sum, { order }) => sum + order.length, 0)} snapshots of ${snapshotter} were removed when the node lock was lost; the others are left, and so is what it stored.`,
  remedy: "Run the same once more when the other run has ended.",
})

/** Removes snapshots in all namespaces, and remembers what the data's own step has to know. */
export const removeSnapshots = Effect.fn("PurgeData.removeSnapshots")(function* (
  { state }: Within,
  wanted: Of<"RemoveSnapshots">,
): Effect.fn.Return<void, HostError, HostShell> {
  const { namespaces, snapshotter, socket } = wanted
  const at = yield* ContainerdAt
  const { keepLock } = yield* HostShell
  const counts: Array<number> = []
  const work: Effect.Effect<void, HostError, Containerd> = Effect.forEach(
    namespaces,
    (one) =>
      Effect.flatMap(
        SnapshotsCarryOut.carryOut({ ...one, snapshotter, parents: new Map(), keepLock }),
        ({ figures, stopped }) => {
          counts.push(figures.gone + figures.removed)
          return stopped === undefined ? Effect.void : Effect.fail(stopped)
        },
      ),
    { discard: true },
  )
  yield* Effect.tapError(Effect.provide(work, at(socket)), () =>
    tell(
      { state },
      stoppedAfter(
        wanted,
        counts.reduce((sum, one) => sum + one, 0),
      ),
    ),
  )
  // The snapshotter still runs, so that who uses a snapshot can be named.
  const why = yield* obstacle(wanted)
  const removed: RemovedSnapshots = { count: counts.reduce((sum, one) => sum + one, 0), obstacle: why }
  yield* Ref.update(state, (s) => ({
    ...s,
    removedSnapshots: new Map(s.removedSnapshots).set(snapshotter, removed),
  }))
})

/** Why the snapshotter may still work in the directory. */
const running = Effect.fnUntraced(function* (
  unit: string,
): Effect.fn.Return<string | undefined, never, HostShell> {
  const shell = yield* HostShell
  const found = yield* shell.unitState(unit)
  if (found._tag === "Unknown") return `it is not known whether ${unit} still runs (${found.why})`
  return found.value === "active" || found.value === "activating" ? `${unit} still runs` : undefined
})

/** Removes the directory of a snapshotter that has stopped, unless something refers to it. */
export const purge = Effect.fn("PurgeData.purge")(function* (
  within: Within,
  wanted: Of<"PurgeData">,
): Effect.fn.Return<void, HostError, HostFiles | HostShell> {
  const { directory, snapshotter, unit } = wanted
  const { removedSnapshots } = yield* Ref.get(within.state)
  const before = removedSnapshots.get(snapshotter)
  const because = before?.obstacle ?? (yield* running(unit)) ?? (yield* obstacle(wanted))
  if (because !== undefined)
    return yield* tell(
      within,
      SnapshotterData.notPurged(directory, { because, remedy: SnapshotterData.usualRemedy }),
    )
  const files = yield* HostFiles
  // A mount below it is that of a container or of another program; what it shows is not the snapshotter's.
  const removal = yield* files.removeTree({
    _tag: "RemoveTree",
    root: directory,
    entries: "everything",
    reserved: [],
    mountPoints: "left-alone",
  })
  const [gone] = yield* files.prune([directory])
  const named = Removal.leftBy(removal)
  const left = gone === undefined && named.length === 0 ? [{ path: directory, why: "mount point" }] : named
  yield* Ref.update(within.state, (s) => ({ ...s, left: [...s.left, ...left] }))
  const failure = Removal.failureOf(removal)
  if (failure !== undefined) return yield* Effect.fail(failure)
  yield* tell(
    within,
    SnapshotterData.purged({
      snapshotter,
      directory,
      snapshots: before?.count ?? 0,
      bytes: removal.bytes,
      rest: left.length === 0 ? "nothing" : "some",
    }),
  )
})

/** Tells why a directory stays. */
export const keep = (within: Within, { because, directory, remedy }: Of<"KeepData">): Effect.Effect<void> =>
  tell(within, SnapshotterData.notPurged(directory, { because, remedy }))
