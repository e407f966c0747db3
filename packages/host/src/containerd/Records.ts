/** Answers: what do containerd's answers mean in the words of the port? What lacks a name is a mistake and not skipped. */
import type { Containerd } from "@kata-deploy/core"
import { Schema } from "effect"

const Labels = Schema.Record(Schema.String, Schema.String)

const Snapshots = Schema.Struct({
  info: Schema.Array(
    Schema.Struct({
      name: Schema.NonEmptyString,
      parent: Schema.String,
      kind: Schema.Literals([1, 2, 3]),
      labels: Labels,
    }),
  ),
})

const Container = Schema.Struct({
  container: Schema.Struct({
    id: Schema.NonEmptyString,
    image: Schema.String,
    snapshotter: Schema.String,
    snapshotKey: Schema.String,
    runtime: Schema.NullOr(Schema.Struct({ name: Schema.String })),
  }),
})

const Images = Schema.Struct({
  images: Schema.Array(
    Schema.Struct({ name: Schema.NonEmptyString, target: Schema.Struct({ digest: Schema.NonEmptyString }) }),
  ),
})

const Blob = Schema.Struct({ digest: Schema.NonEmptyString, size: Schema.Number, labels: Labels })

const Blobs = Schema.Struct({ info: Schema.Array(Blob) })

const Names = Schema.Struct({ namespaces: Schema.Array(Schema.Struct({ name: Schema.NonEmptyString })) })

const Info = Schema.Struct({ info: Blob })

const Piece = Schema.Struct({ data: Schema.Uint8Array })

const kinds = { 1: "view", 2: "active", 3: "committed" } as const

const mapOf = (labels: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(labels))

const sortedBy = <A>(values: ReadonlyArray<A>, key: (value: A) => string): ReadonlyArray<A> =>
  values.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))

/** Names of namespaces, sorted. Like all functions here it throws for what is not as containerd's definition has it. */
export const namespaces = (answer: unknown): ReadonlyArray<string> =>
  Schema.decodeUnknownSync(Names)(answer)
    .namespaces.map(({ name }) => name)
    .sort()

/** Snapshots of all answers of a stream, sorted by key. */
export const snapshots = (answers: ReadonlyArray<unknown>): ReadonlyArray<Containerd.SnapshotRecord> =>
  sortedBy(
    answers.flatMap((answer) =>
      Schema.decodeUnknownSync(Snapshots)(answer).info.map(({ kind, labels, name, parent }) => ({
        key: name,
        parent: parent === "" ? undefined : parent,
        kind: kinds[kind],
        labels: mapOf(labels),
      })),
    ),
    ({ key }) => key,
  )

/** Containers of all answers of a stream, sorted by id. */
export const containers = (answers: ReadonlyArray<unknown>): ReadonlyArray<Containerd.ContainerRecord> =>
  sortedBy(
    answers.map((answer) => {
      const { id, image, runtime, snapshotKey, snapshotter } =
        Schema.decodeUnknownSync(Container)(answer).container
      return { id, snapshotter, snapshotKey, image, runtime: runtime?.name ?? "" }
    }),
    ({ id }) => id,
  )

/** Images, sorted by name. */
export const images = (answer: unknown): ReadonlyArray<Containerd.ImageRecord> =>
  sortedBy(
    Schema.decodeUnknownSync(Images)(answer).images.map(({ name, target }) => ({
      name,
      target: target.digest,
    })),
    ({ name }) => name,
  )

/** Blobs of all answers of a stream, sorted by digest. */
export const contents = (answers: ReadonlyArray<unknown>): ReadonlyArray<Containerd.ContentRecord> =>
  sortedBy(
    answers.flatMap((answer) =>
      Schema.decodeUnknownSync(Blobs)(answer).info.map(({ digest, labels, size }) => ({
        digest,
        size,
        labels: mapOf(labels),
      })),
    ),
    ({ digest }) => digest,
  )

/** Size of a blob in bytes. */
export const sizeOf = (answer: unknown): number => Schema.decodeUnknownSync(Info)(answer).info.size

/** The text that the pieces of a stream make. */
export const textOf = (answers: ReadonlyArray<unknown>): string =>
  Buffer.concat(answers.map((answer) => Schema.decodeUnknownSync(Piece)(answer).data)).toString("utf8")
