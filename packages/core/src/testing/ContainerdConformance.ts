/**
 * What every implementation of `Containerd` has to do: named cases that the double and a real containerd both pass. A
 * test file of an implementation runs each case's effect; the cases know no test framework.
 */
import { Effect, type Layer } from "effect"
import { Containerd } from "../ports/Containerd.ts"
import type { HostError } from "../ports/HostError.ts"
import { failsWith, same } from "./Expectation.ts"
import { refLabel, type SampleNamespace } from "./MemoryMetadata.ts"
import * as SampleImage from "./SampleImage.ts"

/** What an implementation starts with in a case: a containerd with the snapshotter `native` and these namespaces. */
export type Fixture = Readonly<Record<string, SampleNamespace>>

/** One case: a sentence, and an effect that dies with `Mismatch` when the sentence is not true. */
export interface Case {
  readonly name: string
  readonly effect: Effect.Effect<void, unknown>
}

interface OpenCase {
  readonly name: string
  readonly fixture: Fixture
  readonly body: Effect.Effect<void, HostError, Containerd>
}

/** All cases, for the implementation that `provide` makes over a fixture whose images are for `architecture`. */
export const cases = (
  provide: (fixture: Fixture) => Layer.Layer<Containerd, unknown>,
  architecture: "amd64" | "arm64" = "amd64",
): ReadonlyArray<Case> =>
  openCases(architecture).map(({ body, fixture, name }) => ({
    name,
    effect: Effect.provide(body, provide(fixture)),
  }))

const snapshotter = "native"

const openCases = (architecture: "amd64" | "arm64"): ReadonlyArray<OpenCase> => {
  const three = SampleImage.make("example.com/three:1", ["a", "b", "c"], architecture)
  const two = SampleImage.make("example.com/two:1", ["a", "x"], architecture)
  const fixture: Fixture = {
    one: { images: [three, two], containers: { runs: three.name } },
    other: { images: [two] },
  }
  const keys = (namespace: string) =>
    Effect.gen(function* () {
      const containerd = yield* Containerd
      return (yield* containerd.snapshots(namespace, snapshotter)).map(({ key }) => key)
    })
  const sorted = (...texts: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(texts)].sort()

  return [
    {
      name: "namespaces are listed, and a namespace that is not there is empty",
      fixture,
      body: Effect.gen(function* () {
        const containerd = yield* Containerd
        const names = yield* containerd.namespaces
        yield* same(
          "one and other",
          ["one", "other"].filter((name) => !names.includes(name)),
          [],
        )
        yield* same("no snapshots", yield* keys("nowhere"), [])
        yield* same("no images", yield* containerd.images("nowhere"), [])
        yield* same("no containers", yield* containerd.containers("nowhere"), [])
        yield* same("no contents", yield* containerd.contents("nowhere"), [])
      }),
    },
    {
      name: "snapshots have their parents and kinds, and images share the layers that they have in common",
      fixture,
      body: Effect.gen(function* () {
        const containerd = yield* Containerd
        const found = yield* containerd.snapshots("one", snapshotter)
        const shown = found.map(({ key, kind, parent }) => ({ key, kind, parent }))
        const expected = [
          { key: three.chain[0]!, kind: "committed", parent: undefined },
          { key: three.chain[1]!, kind: "committed", parent: three.chain[0] },
          { key: three.chain[2]!, kind: "committed", parent: three.chain[1] },
          { key: two.chain[1]!, kind: "committed", parent: three.chain[0] },
          { key: "runs", kind: "active", parent: three.chain[2] },
        ].sort((a, b) => (a.key < b.key ? -1 : 1))
        yield* same("snapshots of one", shown, expected)
        yield* same("snapshots of other", yield* keys("other"), sorted(...two.chain))
      }),
    },
    {
      name: "a snapshotter that is not there cannot be listed",
      fixture: {},
      body: Effect.gen(function* () {
        const containerd = yield* Containerd
        yield* failsWith("list", containerd.snapshots("one", "nothing-of-this-name"), "NotLoaded")
      }),
    },
    {
      name: "containers name their snapshot and image, images their target",
      fixture,
      body: Effect.gen(function* () {
        const containerd = yield* Containerd
        yield* same("containers", yield* containerd.containers("one"), [
          {
            id: "runs",
            snapshotter,
            snapshotKey: "runs",
            image: three.name,
            runtime: "io.containerd.runc.v2",
          },
        ])
        yield* same("images", yield* containerd.images("one"), [
          { name: three.name, target: three.target },
          { name: two.name, target: two.target },
        ])
      }),
    },
    {
      name: "contents have sizes and labels, and small ones are read",
      fixture,
      body: Effect.gen(function* () {
        const containerd = yield* Containerd
        const found = new Map(
          (yield* containerd.contents("one")).map((content) => [content.digest, content] as const),
        )
        const config = found.get(three.config)
        yield* same("top of the chain", config?.labels.get(refLabel(snapshotter)), three.chain[2])
        yield* same("size", config?.size, three.blobs.get(three.config)!.length)
        const uncompressed = found.get(three.layers[1]!)?.labels.get("containerd.io/uncompressed")
        yield* same("diff id", uncompressed, three.layers[1])
        const text = yield* containerd.blob("one", three.target)
        yield* same("manifest", text, three.blobs.get(three.target))
        yield* same("not in this namespace", yield* containerd.blob("other", three.target), undefined)
      }),
    },
    {
      name: "a snapshot goes once, and not before those that lie on it",
      fixture,
      body: Effect.gen(function* () {
        const containerd = yield* Containerd
        const remove = (key: string) => containerd.removeSnapshot("other", snapshotter, key)
        const [below, top] = [two.chain[0]!, two.chain[1]!]
        const reason = yield* failsWith("remove the lower one", remove(below), "Refused")
        yield* same("why", reason._tag === "Refused" && /child/.test(reason.detail), true)
        yield* same("remove the upper one", yield* remove(top), "removed")
        yield* same("once more", yield* remove(top), "gone")
        // From here on the garbage collector may be faster: nothing refers to what is left.
        const last = yield* remove(below)
        yield* same("either way", last === "removed" || last === "gone", true)
        yield* same("all gone", yield* keys("other"), [])
        yield* same("of the other namespace", (yield* keys("one")).includes(two.chain[1]!), true)
      }),
    },
    {
      name: "labels of a blob are set and taken away",
      fixture,
      body: Effect.gen(function* () {
        const containerd = yield* Containerd
        const labelled = (digest: string, labels: Readonly<Record<string, string | undefined>>) =>
          containerd.updateContentLabels("one", digest, new Map(Object.entries(labels)))
        const label = "containerd.io/gc.ref.snapshot.of-nobody"
        const labelsNow = Effect.map(
          containerd.contents("one"),
          (contents) => contents.find(({ digest }) => digest === three.config)?.labels,
        )
        yield* same("set", yield* labelled(three.config, { [label]: "sha256:0" }), "updated")
        yield* same("is there", (yield* labelsNow)?.get(label), "sha256:0")
        yield* same("others stay", (yield* labelsNow)?.get(refLabel(snapshotter)), three.chain[2])
        yield* same("taken away", yield* labelled(three.config, { [label]: undefined }), "updated")
        yield* same("is not there", (yield* labelsNow)?.has(label), false)
        yield* same("no such blob", yield* labelled(`sha256:${"0".repeat(64)}`, { [label]: "x" }), "gone")
      }),
    },
    {
      name: "an image goes with everything that only it refers to",
      fixture,
      body: Effect.gen(function* () {
        const containerd = yield* Containerd
        yield* same("remove", yield* containerd.removeImage("one", two.name), "removed")
        yield* same("once more", yield* containerd.removeImage("one", two.name), "gone")
        yield* same("what others use stays", yield* keys("one"), sorted(...three.chain, "runs"))
        const left = (yield* containerd.contents("one")).map(({ digest }) => digest)
        yield* same("config", left.includes(two.config), false)
        yield* same("shared layer", left.includes(two.layers[0]!), true)
        yield* same("the other namespace", yield* keys("other"), sorted(...two.chain))
      }),
    },
  ]
}
