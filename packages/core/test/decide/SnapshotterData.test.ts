import { assert, describe, it } from "@effect/vitest"
import { Fact, HostPath, SnapshotRecords, SnapshotterData } from "../../src/index.ts"
import { factsOf, images, lose, type Store, snapshotter, store } from "./RecordSamples.ts"

const directory = HostPath.make("/var/lib/nydus-for-kata-tee")
const failed = Fact.unknown("failed", "it timed out")
const notLoaded = Fact.unknown("out-of-sight", `snapshotter not loaded: ${snapshotter}`)

/** What was seen of a namespace. */
const look = (
  state: Store,
  over: Partial<SnapshotRecords.RecordFacts> = {},
): SnapshotterData.NamespaceLook => {
  const records = factsOf(state, over)
  const users =
    records.containers._tag === "Unknown"
      ? records.containers
      : Fact.known(new Map(records.containers.value.map(({ id, snapshotKey }) => [snapshotKey, [id]])))
  return { records, removal: { namespace: records.namespace, snapshots: records.listed, users } }
}

const outlook = (...looks: ReadonlyArray<SnapshotterData.NamespaceLook>) =>
  SnapshotterData.outlook(looks, snapshotter)

const lost = (): Store => {
  const state = store()
  lose(state)
  return state
}

const bare = (): Store => {
  const state = store()
  state.snapshots.clear()
  for (const { labels } of state.contents.values())
    labels.delete(`containerd.io/gc.ref.snapshot.${snapshotter}`)
  return state
}

const of = (rest: Partial<SnapshotRecords.RecordFacts>) => rest

describe("SnapshotterData", () => {
  describe("before anything is removed", () => {
    it("has every snapshot, leaves first, with the labels and images that lead to them", () => {
      const { namespaces, obstacle } = outlook(look(store()))
      assert.isNull(obstacle)
      const [namespace] = namespaces
      const keys = new Set(images.flatMap(({ chain }) => chain))
      assert.sameMembers([...namespace!.order], [...keys])
      for (const { chain } of images)
        chain.forEach((key, at) => {
          if (at > 0) assert.isBelow(namespace!.order.indexOf(key), namespace!.order.indexOf(chain[at - 1]!))
        })
      assert.deepStrictEqual(
        new Set(namespace!.unlabel.map(({ digest }) => digest)),
        new Set(images.map(({ config }) => config)),
      )
      assert.deepStrictEqual(namespace!.images, ["a", "b", "c"])
    })

    it("has records that lost their snapshots, too: they would be in the way of the next pull", () => {
      const { namespaces, obstacle } = outlook(look(lost()))
      assert.isNull(obstacle)
      assert.deepStrictEqual(new Set(namespaces[0]!.order), new Set(images.flatMap(({ chain }) => chain)))
    })

    it("has a placeholder of the backend once, though containerd lists it", () => {
      const keys = images[0].chain
      const listed = Fact.known(
        keys.map((key, at) => ({
          key,
          kind: "committed" as const,
          parent: keys[at - 1],
          labels: new Map([[SnapshotRecords.placeholderLabel, "true"]]),
        })),
      )
      const { namespaces } = outlook(look(store(), { listed }))
      const all = [...new Set(images.flatMap(({ chain }) => chain))]
      assert.sameMembers([...namespaces[0]!.order], all)
    })

    it("has snapshots without a label, and labels without a snapshot", () => {
      const unlabelled = store()
      for (const { labels } of unlabelled.contents.values())
        labels.delete(`containerd.io/gc.ref.snapshot.${snapshotter}`)
      const [snapshots] = outlook(look(unlabelled)).namespaces
      assert.lengthOf(snapshots!.order, 5)
      assert.deepStrictEqual(snapshots!.unlabel, [])
      const backend = Fact.known(new Set(images.flatMap(({ chain }) => chain)))
      const [labels] = outlook(look(store(), { listed: Fact.known([]), backend })).namespaces
      assert.deepStrictEqual(labels!.order, [])
      assert.lengthOf(labels!.unlabel, 3)
    })

    it("is not kept by containers of another snapshotter, or without a snapshot", () => {
      const state = store()
      const one = { image: "b", runtime: "io.containerd.runc.v2" }
      state.containers.set("x", { ...one, id: "x", snapshotter: "overlayfs", snapshotKey: "x" })
      state.containers.set("y", { ...one, id: "y", snapshotter, snapshotKey: "" })
      assert.isNull(outlook(look(state)).obstacle)
    })

    it("stays where a snapshot came into use between the looks at containers and at snapshots", () => {
      const seen = look(store())
      const users = Fact.known(new Map([[images[1].chain[2]!, ["web"]]]))
      const found = outlook({ ...seen, removal: { ...seen.removal, users } })
      assert.deepStrictEqual(found, { namespaces: [], obstacle: "3 of its snapshots cannot be removed" })
    })

    it("leaves out namespaces that have nothing of it", () => {
      const other = { ...look(bare()), removal: { ...look(bare()).removal, namespace: "moby" } }
      assert.deepStrictEqual(
        outlook(other, look(store())).namespaces.map(({ namespace }) => namespace),
        ["k8s.io"],
      )
      assert.deepStrictEqual(outlook(look(bare())), { namespaces: [], obstacle: null })
    })

    const inTheWay: ReadonlyArray<
      readonly [what: string, looks: ReadonlyArray<SnapshotterData.NamespaceLook>, said: RegExp]
    > = [
      [
        "a container, also one of another namespace",
        [look(bare()), look(store({ web: "b" }))],
        /in use by web$/,
      ],
      ["containers whose snapshots are lost", [look(store({ web: "b", db: "a" }))], /in use by db, web$/],
      [
        "snapshots that cannot be listed",
        [look(store(), of({ listed: failed }))],
        /not be listed \(it timed out\)$/,
      ],
      ["containers that cannot be listed", [look(store(), of({ containers: failed }))], /not known whether/],
      ["content that cannot be listed", [look(store(), of({ contents: failed }))], /not known whether/],
      [
        "a configuration that cannot be read",
        [look(store(), of({ configs: new Map([[images[1].config, failed]]) }))],
        /not known whether/,
      ],
    ]
    for (const [what, looks, said] of inTheWay)
      it(`takes nothing where ${what} ${what.includes("cannot") ? "may hide something" : "needs it"}`, () => {
        const found = outlook(...looks)
        assert.match(found.obstacle ?? "", said)
        assert.deepStrictEqual(found.namespaces, [])
      })
  })

  describe("with a snapshotter that containerd does not have any more", () => {
    const unloaded = { listed: notLoaded }

    it("goes where neither an image nor a container refers to it", () => {
      assert.deepStrictEqual(outlook(look(bare(), unloaded)), { namespaces: [], obstacle: null })
    })

    it("goes also where only some namespaces were told that it is not there", () => {
      assert.deepStrictEqual(outlook(look(bare(), unloaded), look(bare())), {
        namespaces: [],
        obstacle: null,
      })
    })

    it("stays as long as a label does whose image is gone, and names none", () => {
      const state = store()
      state.images.clear()
      const { obstacle } = outlook(look(state, unloaded))
      assert.match(obstacle ?? "", /still has records of snapshots in it, and no snapshotter/)
    })

    it("stays as long as an image does, which is named", () => {
      const { namespaces, obstacle } = outlook(look(store(), unloaded))
      assert.match(obstacle ?? "", /of the images a, b, c, and no snapshotter nydus-for-kata-tee any more/)
      assert.deepStrictEqual(namespaces, [])
    })

    it("stays as long as a container does, and where lists fail", () => {
      assert.match(outlook(look(store({ web: "a" }), unloaded)).obstacle ?? "", /in use by web$/)
      for (const over of [{ contents: failed }, { containers: failed }])
        assert.match(outlook(look(bare(), { ...unloaded, ...over })).obstacle ?? "", /it timed out/)
    })
  })

  it("names images as people do, and by their digests only where there is no other name", () => {
    const state = store()
    for (const [name, image] of Array.from(state.images)) {
      for (const other of [image.target, `${name}@${image.target}`])
        state.images.set(other, { ...image, name: other })
      if (name === "a") state.images.delete(name)
    }
    const [a] = images
    const [namespace] = outlook(look(state)).namespaces
    assert.deepStrictEqual(namespace!.images, [`a@${a.target}`, "b", "c", a.target])
  })

  describe("after the removal", () => {
    it("goes when nothing refers to it", () => {
      assert.deepStrictEqual(SnapshotterData.disposition(outlook(look(bare()))), { _tag: "Purge" })
    })

    it("stays while a snapshot, a record or a label is left", () => {
      const said = (state: Store): string => {
        const found = SnapshotterData.disposition(outlook(look(state)))
        return found._tag === "Keep" ? found.because : "purged"
      }
      assert.strictEqual(said(store()), "5 of its snapshots are still there")
      assert.strictEqual(said(lost()), "5 of its snapshots are still there")
      assert.strictEqual(said(store({ web: "c" })), "it is in use by web")
    })
  })

  it("tells of what stays with its directory, the reason and what helps", () => {
    const because = "it is in use by web"
    const kept = SnapshotterData.notPurged(directory, { because, remedy: SnapshotterData.usualRemedy })
    assert.deepInclude(kept, { code: "snapshotter-data-kept", severity: "warning" })
    for (const word of [directory, because]) assert.include(kept.message, word)
    assert.strictEqual(kept.remedy, SnapshotterData.usualRemedy)
    const usual = SnapshotterData.keptAsUsual(snapshotter, directory)
    assert.deepInclude(usual, { code: "snapshotter-data-kept", severity: "info" })
    for (const word of [directory, snapshotter]) assert.include(usual.message, word)
    assert.include(usual.remedy, "--nydus-data purge")
  })

  it("says that a directory is gone only where all of it is", () => {
    const told = (rest: "nothing" | "some") =>
      SnapshotterData.purged({ snapshotter, directory, snapshots: 1, bytes: 1, rest }).message
    assert.include(told("nothing"), `${directory} is gone`)
    assert.notInclude(told("some"), "is gone")
  })

  it("tells figures for people", () => {
    const told = (bytes: number, snapshots = 3) =>
      SnapshotterData.purged({ snapshotter, directory, snapshots, bytes, rest: "nothing" }).message
    assert.include(told(0), "with 0 bytes in files; 3 snapshots of")
    assert.include(told(1023, 1), "with 1023 bytes in files; 1 snapshot of")
    assert.include(told(36 * 1024 * 1024), "with 36.0 MiB")
    assert.include(told(1.5 * 1024 ** 4), "with 1.5 TiB")
    assert.include(told(1024 ** 5 * 2), "with 2048.0 TiB")
  })
})
