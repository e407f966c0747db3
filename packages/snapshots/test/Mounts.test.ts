import { assert, describe, it } from "vitest"
import { type Lineage, Mounts, type NydusConfig } from "../src/index.ts"
import { ancestor, blockdev, fusedev, type Given, labels, on, proxy } from "./Samples.ts"

const facts = (over: Partial<Mounts.MountFacts>): Mounts.MountFacts => ({
  id: "10",
  kind: "active",
  labels: {},
  lineage: { _tag: "Parentless" },
  instance: "ready",
  ...over,
})
const view = (given: Given, instance: Mounts.Instance = "ready") =>
  facts({ kind: "view", labels: labels(given), instance })
const active = (lineage: Lineage.Lineage, instance: Mounts.Instance = "ready") => facts({ lineage, instance })

const remote = (id: string): Mounts.Outcome => ({ _tag: "Remote", id })
const native: Mounts.Outcome = { _tag: "Native" }
const fails: Mounts.Outcome = { _tag: "Error" }
const handed: Mounts.Outcome = { _tag: "Proxy" }
const detecting = { ...fusedev, indexDetection: true, referrerDetection: true }
const both = on({}, ancestor("1", { indexAlternative: "" }), ancestor("2", {}, "found"))
/** Named, so that table C leaves it alone under the driver proxy. */
const pulled = { proxyMode: "true", imageRef: "a" }

const table: ReadonlyArray<
  readonly [Mounts.Row, string, NydusConfig.NydusConfig, Mounts.MountFacts, Mounts.Outcome]
> = [
  ["B1", "a view of a nydus image", fusedev, view({ nydusMeta: "" }), remote("10")],
  ["B2", "a view of a nydus image that nobody serves", fusedev, view({ nydusMeta: "" }, "not-found"), native],
  [
    "B2b",
    "a view of a nydus image that does not get ready",
    fusedev,
    view({ nydusMeta: "" }, "not-ready"),
    fails,
  ],
  ["B3", "a view of a tarfs", blockdev, view({ tarfs: "x" }), remote("10")],
  ["B3", "a view of an image that the guest pulls", proxy, view(pulled), remote("10")],
  ["B4", "a container on a nydus image", fusedev, active(on({ nydusMeta: "" })), remote("9")],
  [
    "B5",
    "a container on a nydus image that is not served",
    fusedev,
    active(on({ nydusMeta: "" }), "not-found"),
    fails,
  ],
  [
    "B5",
    "a container on a nydus image that does not get ready",
    fusedev,
    active(on({ nydusMeta: "" }), "not-ready"),
    fails,
  ],
  ["B6", "a container on a tarfs", blockdev, active(on({ tarfs: "x" })), remote("9")],
  ["B6", "a container on an image that the guest pulls", fusedev, active(on(pulled)), remote("9")],
  ["B7", "a container on what cannot be read", fusedev, active({ _tag: "Unread", why: "x" }), fails],
  ["B7", "is not rescued either", proxy, active({ _tag: "Unread", why: "x" }), fails],
  ["B8", "a committed layer", blockdev, facts({ kind: "committed", labels: labels({ tarfs: "x" }) }), native],
  ["B8", "an unknown snapshot", blockdev, facts({ kind: "unknown" }), native],
  ["B9", "an alternative in the index goes first", detecting, active(both), remote("1")],
  ["B9", "a referring image", { ...detecting, indexDetection: false }, active(both), remote("2")],
  [
    "B10",
    "wins over what nydus serves",
    blockdev,
    { ...active(on({ tarfs: "x" })), labels: labels({ proxyMode: "" }) },
    handed,
  ],
  ["B10", "a container that knows no image under the driver proxy", proxy, active(on({})), handed],
  ["B11", "an ordinary container", fusedev, active(on({ tarfs: "x" })), native],
  ["B11", "an ordinary view", fusedev, view({ tarfs: "x" }), native],
  ["B11", "a container on nothing", fusedev, facts({}), native],
]

describe("Mounts", () => {
  for (const [row, what, config, given, outcome] of table)
    it(`${row}: ${what}`, () => {
      const decision = Mounts.ofSnapshot(config, given)
      assert.deepStrictEqual(decision, { row, outcome })
      assert.match(Mounts.explain(decision), new RegExp(`^${row}: .+\\.$`))
    })

  for (const [row, what, config, given, outcome, first] of [
    ["V1", "a nydus image", fusedev, { nydusMeta: "", nydusData: "" }, remote("9"), "start"],
    ["V2", "a data layer", fusedev, { nydusData: "" }, fails, "nothing"],
    ["V3", "a tarfs", blockdev, { tarfs: "x" }, remote("9"), "merge-tarfs"],
    ["V4", "ordinary layers", blockdev, {}, native, "nothing"],
  ] as const)
    it(`${row}: a new view of ${what}`, () => {
      const decision = Mounts.ofNewView(config, ancestor("9", given))
      assert.deepStrictEqual(decision as object, { row, outcome, first })
      assert.match(Mounts.explain(decision), new RegExp(`^${row}: .+\\.$`))
    })
})
