/**
 * How fast is planning the removal and the repair of snapshots? 100,000 snapshots in chains of up to 127 layers, as
 * many as containerd's overlay can carry. The yardstick beside it writes the same listing as JSON and reads it again.
 */
import { Fact, SnapshotRecords, SnapshotRemoval, SnapshotRepair } from "@kata-deploy/core"
import { keptBytes } from "./Memory.ts"
import { type Contestant, compare, type Figure } from "./Rounds.ts"

const sizes = [12_500, 25_000, 50_000, 100_000]
const longest = 127
const snapshotter = "nydus-for-kata-tee"

/** Layers of an image, the lowest first. */
interface Chain {
  readonly diffIds: ReadonlyArray<string>
  readonly keys: ReadonlyArray<string>
}

/** Chains of 1 to 127 layers, `count` layers in all; the same in each run. */
const chains = (count: number): ReadonlyArray<Chain> => {
  const made: Array<Chain> = []
  for (let left = count, at = 0; left > 0; at++) {
    const length = Math.min(left, 1 + ((at * 31) % longest))
    const diffIds = Array.from({ length }, (_, layer) => `sha256:${at}-${layer}`.padEnd(71, "0"))
    made.push({ diffIds, keys: SnapshotRecords.chainIds(diffIds) })
    left -= length
  }
  return made
}

/** A node with these images, every tenth of them run by a container. */
const removalFacts = (images: ReadonlyArray<Chain>): SnapshotRemoval.NamespaceSnapshots => {
  const users = new Map<string, ReadonlyArray<string>>()
  const snapshots = images.flatMap(({ keys }, image): ReadonlyArray<SnapshotRemoval.Snapshot> => {
    const layers = keys.map((key, at) => ({ key, parent: keys[at - 1], kind: "committed" as const }))
    if (image % 10 !== 0) return layers
    users.set(`container-${image}`, [`container-${image}`])
    return [...layers, { key: `container-${image}`, parent: keys.at(-1), kind: "active" }]
  })
  // containerd lists by key, so neighbours in a chain are far apart.
  snapshots.sort((a, b) => (a.key < b.key ? -1 : 1))
  return { namespace: "k8s.io", snapshots: Fact.known(snapshots), users: Fact.known(users) }
}

/** The same images behind a snapshotter that has lost everything: nothing is listed, and labels tell. */
const repairFacts = (images: ReadonlyArray<Chain>): SnapshotRecords.RecordFacts => ({
  namespace: "k8s.io",
  listed: Fact.known([]),
  contents: Fact.known(
    images.map(({ keys }, at) => ({
      digest: `config-${at}`,
      labels: new Map([[`containerd.io/gc.ref.snapshot.${snapshotter}`, keys.at(-1)!]]),
    })),
  ),
  images: Fact.known(images.map((_, at) => ({ name: `image-${at}`, target: `config-${at}` }))),
  containers: Fact.known([]),
  configs: new Map(
    images.map(({ diffIds }, at) => [
      `config-${at}`,
      Fact.known(JSON.stringify({ rootfs: { type: "layers", diff_ids: diffIds } })),
    ]),
  ),
  backend: Fact.unknown("not-asked", "it is gone"),
})

/** What a size is measured by: removal, repair, and the yardstick of both. */
interface Measured {
  readonly size: number
  readonly contestants: readonly [removal: Contestant, repair: Contestant, json: Contestant]
}

const measured = sizes.map((size): Measured => {
  const images = chains(size)
  const removal = removalFacts(images)
  const repair = repairFacts(images)
  const listing = Fact.valueOf(removal.snapshots)
  return {
    size,
    contestants: [
      { name: "removal", run: () => SnapshotRemoval.plan([removal]) },
      { name: "repair, chain ids computed", run: () => SnapshotRepair.plan([repair], snapshotter) },
      { name: "JSON", run: () => JSON.parse(JSON.stringify(listing)) as unknown },
    ],
  }
})

/** What each plan has to come to; a benchmark of a wrong answer is none. */
const check = ({ contestants: [removal, repair], size }: Measured): void => {
  const removed = removal.run() as SnapshotRemoval.RemovalPlan
  const repaired = repair.run() as SnapshotRepair.RepairPlan
  const [first] = removed.namespaces
  const used = first!.blocked.filter(({ because }) => because._tag === "InUse").length
  if (first!.order.length + first!.blocked.length !== size + used)
    throw new Error(`the removal of ${size} is wrong`)
  if (repaired.outcome !== "repairable" || repaired.namespaces[0]!.order.length !== size)
    throw new Error(`the repair of ${size} is wrong`)
}

for (const one of measured) check(one)

const milliseconds = ({ perSecond }: Figure): number => 1000 / perSecond

const row = (
  name: string,
  size: number,
  figure: Figure,
  json: Figure,
  before: Figure | undefined,
  kept: number,
): string =>
  [
    name.padEnd(28),
    size.toLocaleString("en").padStart(9),
    milliseconds(figure).toFixed(1).padStart(8),
    `${(1000 / figure.spread[1]).toFixed(1)}-${(1000 / figure.spread[0]).toFixed(1)}`.padStart(15),
    ((milliseconds(figure) * 1_000_000) / size).toFixed(0).padStart(8),
    (milliseconds(figure) / milliseconds(json)).toFixed(2).padStart(8),
    (before === undefined ? "" : (milliseconds(figure) / milliseconds(before)).toFixed(2)).padStart(9),
    (kept / 1_000_000).toFixed(1).padStart(8),
    (kept / size).toFixed(0).padStart(8),
  ].join(" ")

console.log(`Planning snapshots in chains of 1 to ${longest}. One core, medians of 5 rounds.`)
console.log('"x JSON": times as long as the listing takes to be written and read as JSON meanwhile.')
console.log('"doubled": times as long as for half as many. "kept": heap that the plan itself holds.')
console.log(
  'Linear where "x JSON" does not grow: in larger listings caches miss more often, for the yardstick too.\n',
)
console.log(
  [
    "".padEnd(28),
    "snapshots".padStart(9),
    "ms/plan".padStart(8),
    "spread".padStart(15),
    "ns each".padStart(8),
    "x JSON".padStart(8),
    "doubled".padStart(9),
    "kept MB".padStart(8),
    "B each".padStart(8),
  ].join(" "),
)
const figures = compare(
  measured.flatMap(({ contestants }) => [...contestants]),
  5,
)
for (const kind of [0, 1] as const) {
  for (const [at, { contestants, size }] of measured.entries()) {
    const contestant = contestants[kind]
    const figure = figures[at * 3 + kind]!
    const json = figures[at * 3 + 2]!
    console.log(
      row(contestant.name, size, figure, json, figures[at * 3 - 3 + kind], keptBytes(contestant.run)),
    )
  }
}
