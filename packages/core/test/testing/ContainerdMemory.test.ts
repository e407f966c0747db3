import { assert, describe, it } from "@effect/vitest"
import { Containerd } from "@kata-deploy/core"
import { ContainerdConformance, ContainerdMemory, SampleImage } from "@kata-deploy/core/testing"
import { Effect } from "effect"

const image = SampleImage.make("example.com/app:1", ["a", "b"])

describe("the double of Containerd", () => {
  for (const { effect, name } of ContainerdConformance.cases(
    (namespaces) => ContainerdMemory.make({ namespaces }).layer,
  ))
    it.effect(name, () => effect)

  it.effect(
    "a wiped backend hides its snapshots from the listing, and their records can still be removed",
    () =>
      Effect.gen(function* () {
        const double = ContainerdMemory.make({ namespaces: { "k8s.io": { images: [image] } } })
        yield* Effect.gen(function* () {
          const containerd = yield* Containerd.Containerd
          double.wipe("native")
          assert.deepStrictEqual(yield* containerd.snapshots("k8s.io", "native"), [])
          const remove = (key: string) => containerd.removeSnapshot("k8s.io", "native", key)
          const refusal = yield* Effect.flip(remove(image.chain[0]!))
          assert.match(refusal.message, /^Could not remove snapshot sha256:\w+ of native in k8s\.io: .*child/)
          assert.strictEqual(yield* remove(image.chain[1]!), "removed")
          assert.strictEqual(yield* remove(image.chain[0]!), "removed")
          assert.strictEqual(yield* remove(image.chain[0]!), "gone")
        }).pipe(Effect.provide(double.layer))
      }),
  )

  it.effect("listings and removals fail where a test plants it, and are recorded", () =>
    Effect.gen(function* () {
      const double = ContainerdMemory.make({ namespaces: { "k8s.io": { images: [image] } } })
      double.faults.failOn("native in k8s.io", { _tag: "TimedOut", seconds: 10 }, 1)
      yield* Effect.gen(function* () {
        const containerd = yield* Containerd.Containerd
        const failure = yield* Effect.flip(containerd.snapshots("k8s.io", "native"))
        assert.strictEqual(
          failure.message,
          "Could not list snapshots native in k8s.io: no answer within 10 s",
        )
        assert.lengthOf(yield* containerd.snapshots("k8s.io", "native"), 2)
        assert.deepStrictEqual(
          double.faults.operations.map(({ verb }) => verb),
          ["list snapshots", "list snapshots"],
        )
      }).pipe(Effect.provide(double.layer))
    }),
  )

  it.effect("a blob that is no config is not read", () =>
    Effect.gen(function* () {
      const large = { ...image, blobs: new Map([...image.blobs, ["sha256:large", "x".repeat(9 << 20)]]) }
      const double = ContainerdMemory.make({ namespaces: { one: { images: [large] } } })
      const read = Effect.flatMap(Containerd.Containerd, (containerd) =>
        containerd.blob("one", "sha256:large"),
      )
      const failure = yield* Effect.flip(Effect.provide(read, double.layer))
      assert.include(failure.message, "too large")
    }),
  )
})
