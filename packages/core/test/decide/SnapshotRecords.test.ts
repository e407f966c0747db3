import { assert, describe, it } from "@effect/vitest"
import { Fact, SnapshotRecords } from "../../src/index.ts"
import { factsOf, images, lose, snapshotter, store } from "./RecordSamples.ts"

const [a, b, c] = images
const find = (...given: Parameters<typeof factsOf>) =>
  Fact.valueOf(SnapshotRecords.find(factsOf(...given), snapshotter))!
const states = (...given: Parameters<typeof factsOf>) =>
  Object.fromEntries(find(...given).records.map(({ key, state }) => [key, state]))
const failed = Fact.unknown("failed", "it timed out")

describe("SnapshotRecords", () => {
  it("computes chain ids as the image specification does", () => {
    assert.deepStrictEqual(SnapshotRecords.chainIds([]) as object, [])
    assert.deepStrictEqual(SnapshotRecords.chainIds(c.layers) as object, c.chain)
    // printf '%s %s' sha256:aa sha256:bb | sha256sum
    assert.deepStrictEqual(
      SnapshotRecords.chainIds(["sha256:aa", "sha256:bb"])[1],
      "sha256:b68ad689d6d1ec110ea1c13617437ad6f3766d4b3b309f6a603a222e07a0164f",
    )
  })

  it("finds records that containerd does not list, with what they lie on", () => {
    const state = store()
    lose(state)
    const { doubts, records } = find(state)
    assert.deepStrictEqual([...doubts], [])
    assert.sameMembers(
      records.map(({ key }) => key),
      [...new Set([...a.chain, ...b.chain, ...c.chain])],
    )
    for (const { key, parent, state: found } of records) {
      assert.strictEqual(found, "stale")
      const chain = images.map((image) => image.chain).find((one) => one.includes(key))!
      assert.strictEqual(parent, chain[chain.indexOf(key) - 1])
    }
  })

  it("finds only what labels of this very snapshotter name", () => {
    const names = SnapshotRecords.keepers(
      [
        "containerd.io/gc.ref.snapshot.nydus",
        "containerd.io/gc.ref.snapshot.nydus/1",
        "containerd.io/gc.ref.snapshot.nydus-hs",
        "containerd.io/gc.ref.content.nydus",
      ].map((label) => ({ digest: "sha256:x", labels: new Map([[label, label]]) })),
      "nydus",
    )
    assert.deepStrictEqual(
      names.map(({ label }) => label.replace("containerd.io/gc.ref.snapshot.", "")),
      ["nydus", "nydus/1"],
    )
  })

  it("reads each configuration that keeps a snapshot once", () => {
    assert.sameMembers(
      [...SnapshotRecords.configsToRead(factsOf(store()).contents, snapshotter)],
      images.map(({ config }) => config),
    )
    assert.deepStrictEqual(SnapshotRecords.configsToRead(failed, snapshotter) as object, [])
  })

  it("calls present what containerd lists, a container's own snapshot too, with its parent and user", () => {
    const state = store({ web: "b" })
    const { doubts, records } = find(state, { images: failed })
    assert.deepStrictEqual([...doubts], [])
    assert.isTrue(records.every((record) => record.state === "present"))
    const web = records.find(({ key }) => key === "web")
    assert.deepStrictEqual(web, { key: "web", parent: b.chain[2], state: "present", users: ["web"] })
  })

  it("calls a placeholder of the backend stale, and knows below which layer it belongs", () => {
    const [base, middle] = b.chain
    const labelled = (label: string) =>
      Fact.known([
        { key: base!, kind: "committed" as const, parent: undefined, labels: new Map<string, string>() },
        { key: middle!, kind: "committed" as const, parent: undefined, labels: new Map([[label, "true"]]) },
      ])
    const found = (label: string) =>
      find(store(), { listed: labelled(label) }).records.find(({ key }) => key === middle)
    assert.deepInclude(found(SnapshotRecords.placeholderLabel), { parent: base, state: "stale" })
    assert.deepInclude(found("another"), { parent: base, state: "present" })
  })

  it("goes by the configuration that says what lies below, where another one of the same top does not", () => {
    const state = store()
    lose(state)
    const facts = factsOf(state)
    const [, top] = [...Fact.valueOf(facts.contents)!.find(({ digest }) => digest === b.config)!.labels].at(
      -1,
    )!
    assert.strictEqual(top, b.chain[2])
    const other = {
      digest: "sha256:other",
      labels: new Map([[`containerd.io/gc.ref.snapshot.${snapshotter}`, top]]),
    }
    for (const contents of [
      [...Fact.valueOf(facts.contents)!, other],
      [other, ...Fact.valueOf(facts.contents)!],
    ])
      assert.strictEqual(
        find(state, { contents: Fact.known(contents) }).records.find(({ key }) => key === top)?.parent,
        b.chain[1],
      )
  })

  it("calls nothing stale while nobody can say what the backend has", () => {
    assert.isTrue(Object.values(states(store(), { listed: failed })).every((state) => state === "unsure"))
  })

  it("goes by the backend's own store where the listing fails", () => {
    const found = states(store(), { listed: failed, backend: Fact.known(new Set([a.chain[0]!])) })
    assert.strictEqual(found[a.chain[0]!], "present")
    assert.strictEqual(found[b.chain[2]!], "stale")
  })

  it("has no record of what the backend has and containerd does not list", () => {
    const state = store()
    lose(state, [b.chain[2]!])
    const all = new Set([...a.chain, ...b.chain, ...c.chain])
    assert.sameMembers(
      Object.keys(states(state, { backend: Fact.known(all) })),
      [...all].filter((key) => key !== b.chain[2]),
    )
  })

  for (const part of ["contents", "containers"] as const)
    it(`finds nothing out when ${part} cannot be listed`, () => {
      const found = SnapshotRecords.find(factsOf(store(), { [part]: failed }), snapshotter)
      assert.strictEqual(found._tag, "Unknown")
    })

  for (const [what, text] of [
    ["could not be read", failed],
    ["is gone", Fact.known(undefined)],
    ["is not the configuration", Fact.known("{}")],
    ["do not lead to", Fact.known('{"rootfs":{"diff_ids":["sha256:other"]}}')],
  ] as const)
    it(`still knows the top of a chain whose configuration ${what}, and says that there may be more`, () => {
      const state = store()
      lose(state)
      const configs = new Map([...factsOf(state).configs, [c.config, text]])
      const { doubts, records } = find(state, { configs })
      const top = records.find(({ key }) => key === c.chain[3])
      assert.deepInclude(top, { parent: undefined, state: "stale" })
      assert.notInclude(
        records.map(({ key }) => key),
        c.chain[2],
      )
      assert.lengthOf(doubts, 1)
      assert.include(doubts[0], what)
    })

  it("knows on which layers a container lies whose snapshot is lost, by its image", () => {
    const state = store({ web: "b" })
    lose(state)
    const record = find(state).records.find(({ key }) => key === "web")
    assert.deepStrictEqual(record, { key: "web", parent: b.chain[2], state: "stale", users: ["web"] })
    assert.deepStrictEqual([...find(state).doubts], [])
    const unseen = find(state, { images: failed })
    assert.deepStrictEqual([...unseen.doubts], ["it cannot be told on which layers the container web lies"])
  })

  it("counts only containers that have a snapshot of this very snapshotter", () => {
    const state = store()
    const one = { image: "b", runtime: "io.containerd.runc.v2" }
    state.containers.set("x", { ...one, id: "x", snapshotter: "overlayfs", snapshotKey: b.chain[2]! })
    state.containers.set("y", { ...one, id: "y", snapshotter, snapshotKey: "" })
    const { doubts, records } = find(state)
    assert.deepStrictEqual([...doubts], [])
    assert.isTrue(records.every(({ key, users }) => key !== "" && users.length === 0))
  })

  it("follows no label that leads elsewhere", () => {
    const found = SnapshotRecords.imagesOf(
      [{ name: "one", target: "manifest" }],
      [{ digest: "manifest", labels: new Map([["containerd.io/distribution.source.x", "elsewhere"]]) }],
    )
    assert.deepStrictEqual([...found.keys()], ["manifest"])
    assert.deepStrictEqual(
      [...SnapshotRecords.imagesOf([{ name: "one", target: "gone" }], []).keys()],
      ["gone"],
    )
  })

  it("leads from an image to its blobs through indexes and manifests", () => {
    const label = (key: string, value: string) => new Map([[`containerd.io/gc.ref.content${key}`, value]])
    const found = SnapshotRecords.imagesOf(
      [
        { name: "one", target: "index" },
        { name: "two", target: "manifest" },
      ],
      [
        { digest: "index", labels: label(".m.0", "manifest") },
        { digest: "manifest", labels: label(".config", "config") },
        { digest: "config", labels: label("", "index") },
      ],
    )
    for (const digest of ["config", "index"])
      assert.deepStrictEqual(found.get(digest) as object, ["one", "two"], digest)
  })
})
