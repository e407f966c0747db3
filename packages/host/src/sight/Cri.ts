/**
 * Answers: what does the CRI runtime behind a socket say? A daemon that answers without a CRI is a known answer; one
 * that does not answer is a failure to look; a socket that the layout does not show is out of sight. Source:
 * decisions §2, §11.
 */
import { Fact, type HostLayout, HostPath, type HostSight } from "@kata-deploy/core"
import { Effect } from "effect"
import { type Answer, CallFailed, codes, type Connection, connect } from "../containerd/Wire.ts"
import * as CriAnswers from "./CriAnswers.ts"
import { containerdVersion, method, type Version, versions } from "./CriMessages.ts"
import { follow } from "./HostPlace.ts"

/** Seconds that a runtime gets to answer; a busy node needs a few. */
const patience = 10

/** What the runtime says of itself. */
export const status = (
  layout: HostLayout.HostLayout,
  socket: HostPath.HostPath,
): Effect.Effect<Fact.Fact<HostSight.CriStatus>> =>
  asking(
    { layout, socket, whenDown: "failed" },
    Effect.fnUntraced(function* (connection) {
      const spoken = yield* inSomeVersion(connection, "Version", { version: "" })
      if ("notLoaded" in spoken) return Fact.known(yield* withoutCri(connection, spoken.notLoaded))
      const answer = yield* connection.ask(method(spoken.version, "Status"), { verbose: true })
      return Fact.known({
        runtime: CriAnswers.runtimeOf(spoken.answer),
        ready: CriAnswers.isReady(answer),
        handlers: CriAnswers.handlersOf(answer),
      })
    }),
  )

/**
 * Pod sandboxes that are running. A runtime that does not run, or runs without a CRI, cannot tell: that is out of
 * sight, for a node whose runtime is broken has to be cleaned up all the same. One that runs and does not answer is a
 * failure.
 */
export const sandboxes = (
  layout: HostLayout.HostLayout,
  socket: HostPath.HostPath,
): Effect.Effect<Fact.Fact<ReadonlyArray<HostSight.RunningSandbox>>> =>
  asking(
    { layout, socket, whenDown: "out-of-sight" },
    Effect.fnUntraced(function* (connection) {
      const spoken = yield* inSomeVersion(connection, "ListPodSandbox", { filter: { state: { state: 0 } } })
      return "notLoaded" in spoken
        ? Fact.unknown("out-of-sight", `the daemon at ${socket} has no CRI: ${spoken.notLoaded}`)
        : Fact.known(CriAnswers.sandboxesOf(spoken.answer))
    }),
  )

/** Which runtime is asked, and what its being down means to whoever asks. */
interface Asked {
  readonly layout: HostLayout.HostLayout
  readonly socket: HostPath.HostPath
  readonly whenDown: "failed" | "out-of-sight"
}

/** Runs a conversation on a connection of its own, which goes in any case. */
const asking = <A>(
  asked: Asked,
  talk: (connection: Connection) => Effect.Effect<Fact.Fact<A>, CallFailed>,
): Effect.Effect<Fact.Fact<A>> =>
  Effect.suspend(() => {
    const { socket, whenDown } = asked
    const place = placeOf(asked)
    if (place._tag === "Unknown") return Effect.succeed(place)
    return Effect.flatMap(connect(place.value), talk).pipe(
      Effect.scoped,
      Effect.timeoutOrElse({
        duration: `${patience} seconds`,
        orElse: () =>
          Effect.fail(
            new CallFailed({ code: codes.deadlineExceeded, detail: `no answer within ${patience} s` }),
          ),
      }),
      Effect.catchTag("CallFailed", (failure) =>
        Effect.succeed(
          Fact.unknown(
            failure.code === codes.unavailable ? whenDown : "failed",
            `the container runtime at ${socket}: ${failure.message}`,
          ),
        ),
      ),
    )
  })

/** The socket as this process sees it. Without the directory that it belongs in, no runtime of this host has run. */
const placeOf = ({ layout, socket, whenDown }: Asked): Fact.Fact<string> => {
  const place = follow(layout, socket)
  switch (place._tag) {
    case "At":
      return Fact.known(place.seen)
    case "OutOfSight":
      return Fact.unknown("out-of-sight", `${socket}: ${place.why}`)
    case "Failed":
      return Fact.unknown("failed", `${socket}: ${place.why}`)
    case "Absent":
      return follow(layout, HostPath.parent(socket))._tag === "At"
        ? Fact.unknown(whenDown, `there is no socket ${socket}: the container runtime does not run`)
        : Fact.unknown("out-of-sight", `there is no ${HostPath.parent(socket)}`)
  }
}

/** Asks in the newest version that the other side has. */
const inSomeVersion = Effect.fnUntraced(function* (
  connection: Connection,
  name: "Version" | "ListPodSandbox",
  request: object,
): Effect.fn.Return<
  { readonly version: Version; readonly answer: Answer } | { readonly notLoaded: string },
  CallFailed
> {
  let notLoaded = ""
  for (const version of versions) {
    const tried = yield* connection.ask(method(version, name), request).pipe(
      Effect.map((answer) => ({ version, answer })),
      Effect.catchTag("CallFailed", (failure) =>
        failure.code === codes.unimplemented
          ? Effect.succeed({ notLoaded: failure.message })
          : Effect.fail(failure),
      ),
    )
    if ("answer" in tried) return tried
    // What it says to the newest version is what it would say to a kubelet of today.
    notLoaded ||= tried.notLoaded
  }
  return { notLoaded }
})

const withoutCri = (connection: Connection, notLoaded: string): Effect.Effect<HostSight.CriStatus> =>
  connection.ask(containerdVersion, {}).pipe(
    Effect.map((version) =>
      CriAnswers.runtimeOf({ runtimeName: "containerd", runtimeVersion: version["version"] }),
    ),
    Effect.catchTag("CallFailed", () => Effect.succeed("a daemon without a CRI")),
    Effect.map((runtime) => ({ runtime, ready: false, handlers: [], notLoaded })),
  )
