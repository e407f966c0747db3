/**
 * `Containerd` with Node: containerd's own services over gRPC on its socket. Each call has a deadline, and what
 * containerd says of a failure is passed on in its own words.
 */
import { Containerd, HostError, type HostLayout, HostPath } from "@kata-deploy/core"
import { Effect, Layer, Scope } from "effect"
import { follow } from "../sight/HostPlace.ts"
import * as Messages from "./ContainerdMessages.ts"
import * as Records from "./Records.ts"
import { CallFailed, codes, type Connection, connect } from "./Wire.ts"

/** Where containerd is. */
export interface Options {
  readonly layout: HostLayout.HostLayout
  /** Its socket on the host; `/run/containerd/containerd.sock` when left out. */
  readonly socket?: HostPath.HostPath
}

/** containerd's socket in a distribution that does not say otherwise. */
export const usualSocket: HostPath.HostPath = HostPath.make("/run/containerd/containerd.sock")

/** Seconds for a call; removing an image waits for the garbage collector, which may have much to do. */
const patience = { usual: 30, collecting: 300 } as const

/** containerd at a socket. Nothing is opened before the first call; connections go with the layer. */
export const layer = (options: Options): Layer.Layer<Containerd.Containerd> =>
  Layer.effect(
    Containerd.Containerd,
    Effect.map(Effect.scope, (scope) => make(options, scope)),
  )

const make = (
  { layout, socket = usualSocket }: Options,
  scope: Scope.Scope,
): Containerd.Containerd["Service"] => {
  let opened: { readonly seen: string; readonly connection: Connection } | undefined

  /** The connection to where the socket is now; it moves only when a link on the way does. */
  const connection: Effect.Effect<Connection, CallFailed> = Effect.gen(function* () {
    const place = follow(layout, socket)
    if (place._tag !== "At") return yield* new CallFailed({ code: codes.unavailable, detail: whyNot(place) })
    if (opened?.seen !== place.seen)
      opened = { seen: place.seen, connection: yield* Scope.provide(connect(place.seen), scope) }
    return opened.connection
  })

  /** Talks to containerd, and words what goes wrong for the port. */
  const talk = <A>(
    operation: string,
    conversation: (connection: Connection) => Effect.Effect<A, CallFailed>,
    seconds: number = patience.usual,
  ): Effect.Effect<A, HostError.HostError> => {
    const toError = (reason: HostError.HostErrorReason) =>
      new HostError.HostError({ operation, path: socket, reason })
    return Effect.flatMap(connection, conversation).pipe(
      Effect.mapError(({ code, detail }) => toError(reasonOf(code, detail))),
      Effect.timeoutOrElse({
        duration: `${seconds} seconds`,
        orElse: () => Effect.fail(toError({ _tag: "TimedOut", seconds })),
      }),
    )
  }
  const headersOf = (namespace: string) => ({ "containerd-namespace": namespace })

  return Containerd.Containerd.of({
    namespaces: talk("list the namespaces of containerd at", (containerd) =>
      Effect.flatMap(containerd.ask(Messages.listNamespaces, {}), reading(Records.namespaces)),
    ),
    snapshots: (namespace, snapshotter) =>
      talk(`list the snapshots of ${snapshotter} in ${namespace} of containerd at`, (containerd) =>
        Effect.flatMap(
          containerd.askAll(Messages.listSnapshots, { snapshotter }, headersOf(namespace)),
          reading(Records.snapshots),
        ),
      ),
    containers: (namespace) =>
      talk(`list the containers in ${namespace} of containerd at`, (containerd) =>
        Effect.flatMap(
          containerd.askAll(Messages.listContainers, {}, headersOf(namespace)),
          reading(Records.containers),
        ),
      ),
    images: (namespace) =>
      talk(`list the images in ${namespace} of containerd at`, (containerd) =>
        Effect.flatMap(
          containerd.ask(Messages.listImages, {}, headersOf(namespace)),
          reading(Records.images),
        ),
      ),
    contents: (namespace) =>
      talk(`list the contents in ${namespace} of containerd at`, (containerd) =>
        Effect.flatMap(
          containerd.askAll(Messages.listContent, {}, headersOf(namespace)),
          reading(Records.contents),
        ),
      ),
    blob: (namespace, digest) =>
      talk(`read ${digest} in ${namespace} of containerd at`, (containerd) =>
        orGone(undefined, readBlob(containerd, headersOf(namespace), digest)),
      ),
    removeSnapshot: (namespace, snapshotter, key) =>
      talk(`remove the snapshot ${key} of ${snapshotter} in ${namespace} of containerd at`, (containerd) =>
        orGone(
          "gone",
          Effect.as(
            containerd.ask(Messages.removeSnapshot, { snapshotter, key }, headersOf(namespace)),
            "removed" as const,
          ),
        ),
      ),
    updateContentLabels: (namespace, digest, labels) =>
      talk(`label ${digest} in ${namespace} of containerd at`, (containerd) =>
        orGone(
          "gone",
          Effect.as(
            containerd.ask(Messages.updateContent, labelling(digest, labels), headersOf(namespace)),
            "updated" as const,
          ),
        ),
      ),
    removeImage: (namespace, name) =>
      talk(
        `remove the image ${name} in ${namespace} of containerd at`,
        (containerd) =>
          orGone(
            "gone",
            Effect.as(
              containerd.ask(Messages.deleteImage, { name, sync: true }, headersOf(namespace)),
              "removed" as const,
            ),
          ),
        patience.collecting,
      ),
  })
}

const whyNot = (place: Exclude<ReturnType<typeof follow>, { readonly _tag: "At" }>): string =>
  place._tag === "Absent" ? "there is no such socket: containerd does not run" : place.why

/** What is not there any more is no failure. */
const orGone = <A, B>(gone: B, call: Effect.Effect<A, CallFailed>): Effect.Effect<A | B, CallFailed> =>
  Effect.catchTag(call, "CallFailed", (failure) =>
    failure.code === codes.notFound ? Effect.succeed(gone) : Effect.fail(failure),
  )

/** Reads an answer; one that is not as containerd defines it is a failure of the call. */
const reading =
  <A, B>(read: (answer: A) => B) =>
  (answer: A): Effect.Effect<B, CallFailed> =>
    Effect.try({
      try: () => read(answer),
      catch: (cause) =>
        new CallFailed({
          code: codes.internal,
          detail: `its answer is not as expected: ${cause instanceof Error ? cause.message : ""}`,
        }),
    })

const readBlob = Effect.fnUntraced(function* (
  containerd: Connection,
  headers: Readonly<Record<string, string>>,
  digest: string,
) {
  const size = yield* Effect.flatMap(
    containerd.ask(Messages.contentInfo, { digest }, headers),
    reading(Records.sizeOf),
  )
  if (size > Containerd.largestBlob)
    return yield* new CallFailed({
      code: codes.resourceExhausted,
      detail: `it has ${size} bytes, which is too large for a config or a manifest`,
    })
  const pieces = yield* containerd.askAll(Messages.readContent, { digest }, headers)
  return yield* reading(Records.textOf)(pieces)
})

/** containerd takes away labels whose value is empty, and touches those only that the mask names. */
const labelling = (digest: string, labels: ReadonlyMap<string, string | undefined>): object => ({
  info: { digest, labels: Object.fromEntries([...labels].map(([key, value]) => [key, value ?? ""])) },
  updateMask: { paths: [...labels.keys()].map((key) => `labels.${key}`) },
})

/** What containerd 1.6 to 2.2 say of a snapshotter that they do not have (`plugins/services/snapshots/service.go`). */
const notLoaded = /^snapshotter not loaded: /

const reasonOf = (code: number, detail: string): HostError.HostErrorReason => {
  if (code === codes.permissionDenied || /EACCES|EPERM/.test(detail)) return { _tag: "Denied" }
  return code === codes.invalidArgument && notLoaded.test(detail)
    ? { _tag: "NotLoaded", detail }
    : { _tag: "Refused", detail }
}
