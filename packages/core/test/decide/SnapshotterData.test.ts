import { assert, describe, it } from "@effect/vitest"
import {
  Fact,
  HostPath,
  type SnapshotRecords,
  SnapshotRemoval,
  SnapshotRepair,
  SnapshotterData,
} from "../../src/index.ts"
import { factsOf, lose, snapshotter, store } from "./RecordSamples.ts"

const directory = HostPath.make("/var/lib/nydus-for-kata-tee")
const failed = Fact.unknown("failed", "it timed out")
const empty: SnapshotRemoval.NamespaceSnapshots = {
  namespace: "k8s.io",
  snapshots: Fact.known([]),
  users: Fact.known(new Map()),
}
const one: SnapshotRemoval.NamespaceSnapshots = {
  ...empty,
  snapshots: Fact.known([{ key: "rw", parent: undefined, kind: "active" }]),
}
const clean: SnapshotRecords.RecordFacts = {
  ...factsOf(store()),
  listed: Fact.known([]),
  contents: Fact.known([]),
}

const message = (left: SnapshotRemoval.NamespaceSnapshots, records = clean): string => {
  const found = SnapshotterData.disposition("purge", directory, {
    left: SnapshotRemoval.plan([left]),
    records: SnapshotRepair.plan([records], snapshotter),
  })
  return found._tag === "Purge" ? "purged" : (found.notices[0]?.message ?? "")
}

describe("SnapshotterData", () => {
  it("goes when nothing refers to it", () => {
    assert.strictEqual(message(empty), "purged")
  })

  it("stays unless it is asked for", () => {
    assert.deepStrictEqual(
      SnapshotterData.disposition("keep", directory, {
        left: SnapshotRemoval.plan([empty]),
        records: SnapshotRepair.plan([clean], snapshotter),
      }),
      { _tag: "Keep", notices: [] },
    )
  })

  it("stays and names who uses it", () => {
    const used = { ...one, users: Fact.known(new Map([["rw", ["web", "db"]]])) }
    assert.include(message(used), "in use by db, web")
  })

  it("stays while a snapshot is left, also one that could be removed", () => {
    assert.include(message(one), "1 of its snapshots")
    assert.include(message({ ...one, users: failed }), "1 of its snapshots")
  })

  it("stays when the list is empty only because it could not be read, or because the backend is gone", () => {
    assert.include(message({ ...empty, snapshots: failed }), "could not be listed (it timed out)")
    const lost = store()
    lose(lost)
    assert.include(message(empty, factsOf(lost)), "still has records")
    assert.include(message(empty, { ...clean, contents: failed }), "not known whether")
  })
})
