/** What a plan does about what nydus stored, by all that may be seen of it. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  CleanupPlan,
  Fact,
  type Facts,
  FileState,
  HostPath,
  Ledger,
  NydusMode,
  Plan,
  PlanDocument,
  type SnapshotterData,
} from "../../src/index.ts"
import * as Node from "../Node.ts"
import { settings } from "../Sample.ts"

const tee = NydusMode.paths("guest-pull", settings().instance)
const hs = NydusMode.paths("host-share", settings().instance)
const socket = HostPath.make("/run/containerd/containerd.sock")
const failed = Fact.unknown("failed", "connection refused")

const ledger: Ledger.Ledger = {
  ...Ledger.empty("default", "1", "containerd"),
  files: [{ path: tee.unitFile, stage: "artifacts", digest: null }],
}

const clean: SnapshotterData.Outlook = { namespaces: [], obstacle: null }
const three: SnapshotterData.Outlook = {
  namespaces: [{ namespace: "k8s.io", order: ["c", "b", "a"], unlabel: [], images: ["web"] }],
  obstacle: null,
}

const seen = (of: Readonly<Record<string, SnapshotterData.Outlook>>): Facts.Facts["snapshotterData"] =>
  Fact.known({ socket, outlooks: { [tee.name]: clean, [hs.name]: clean, ...of } })

const inactive: Facts.Facts["snapshotterUnits"] = new Map([
  [tee.unit, Fact.known("inactive" as const)],
  [hs.unit, Fact.known("inactive" as const)],
])

const installed: Node.Tree = {
  [tee.unitFile]: "[Service]\n",
  [tee.data]: FileState.directory(),
  [hs.data]: FileState.absent,
  "/opt/kata/.kata-deploy/ledger.json": "{}",
}

interface Given {
  readonly tree?: Node.Tree
  readonly facts?: Partial<Facts.Facts>
  readonly wish?: SnapshotterData.DataWish
  readonly action?: Plan.ActionName
}

const plan = ({ action = "cleanup", facts = {}, tree = installed, wish = "purge" }: Given): Plan.Plan =>
  Result.getOrThrow(
    CleanupPlan.make({
      action,
      nydusData: wish,
      ...Node.input(
        settings(),
        Node.facts(tree, {
          ledger: Node.recorded(ledger),
          snapshotterData: seen({ [tee.name]: three }),
          snapshotterUnits: inactive,
          ...facts,
        }),
      ),
    }),
  )

const stepsOf = (of: Plan.Plan, stage: Plan.StageName): ReadonlyArray<string> =>
  of.stages
    .filter((one) => one.stage === stage)
    .flatMap(({ steps }) => steps.map(({ action }) => PlanDocument.summary(action)))

const kept = (of: Plan.Plan) => of.notices.filter(({ code }) => code === "snapshotter-data-kept")

const nothingInstalled: Partial<Facts.Facts> = { ledger: { _tag: "None" } }
const leftover: Node.Tree = { [tee.data]: FileState.directory(), [hs.data]: FileState.absent }

describe("NydusData", () => {
  it("goes in its order: snapshots while the snapshotter runs, the directory when nothing names it", () => {
    assert.deepStrictEqual(stepsOf(plan({}), "revert-cri"), [
      "remove 3 snapshots of nydus-for-kata-tee from containerd",
      "stop nydus-for-kata-tee.service",
      "disable nydus-for-kata-tee.service",
      "remove /etc/systemd/system/nydus-for-kata-tee.service",
      "reload systemd",
      "remove /var/lib/nydus-for-kata-tee with everything in it",
      "record what is ours in /opt/kata/.kata-deploy/ledger.json",
    ])
    assert.deepStrictEqual(plan({}).residues, ["/run/lock/kata-deploy.lock"])
    assert.deepStrictEqual(kept(plan({})), [])
  })

  it("goes in the stage that takes the configuration back, and in no other action", () => {
    const of = (action: Plan.ActionName) => plan({ action }).stages.flatMap(({ steps }) => steps)
    const purges = (action: Plan.ActionName) => of(action).some((one) => one.action._tag === "PurgeData")
    assert.isTrue(purges("cleanup-stage-revert-cri"))
    assert.isFalse(purges("cleanup-stage-remove-artifacts"))
  })

  it("stays without a wish, which is said with the way to get rid of it", () => {
    const made = plan({ wish: "keep" })
    assert.deepStrictEqual(made.residues, ["/run/lock/kata-deploy.lock", tee.data])
    const [notice] = kept(made)
    assert.strictEqual(notice?.severity, "info")
    assert.include(notice?.remedy ?? "", "--nydus-data purge")
    assert.isFalse(stepsOf(made, "revert-cri").some((step) => step.includes(tee.data)))
  })

  it("is no question where there is none", () => {
    const tree = { ...installed, [tee.data]: FileState.absent }
    const facts = { snapshotterData: seen({}) }
    for (const wish of ["keep", "purge"] as const) {
      const made = plan({ tree, facts, wish })
      assert.deepStrictEqual(kept(made), [])
      assert.deepStrictEqual(made.residues, ["/run/lock/kata-deploy.lock"])
    }
    // Nobody is told of a containerd that does not answer about nothing.
    assert.deepStrictEqual(kept(plan({ tree, facts: { snapshotterData: failed } })), [])
  })

  it("out of sight helps itself on the node only where its root is named", () => {
    const hidden = { _tag: "Unreadable", why: "out-of-sight", detail: "nothing shows it" } as const
    const [notice] = kept(plan({ tree: { ...installed, [tee.data]: hidden } }))
    assert.match(notice?.remedy ?? "", /--host-root \/ on the node itself.*\/host-var-lib/)
  })

  it("is no question out of sight where nothing speaks for it", () => {
    const hidden = { _tag: "Unreadable", why: "out-of-sight", detail: "nothing shows it" } as const
    const made = plan({
      tree: { [tee.data]: hidden, [hs.data]: hidden },
      facts: { ...nothingInstalled, snapshotterData: failed },
    })
    assert.deepStrictEqual(kept(made), [])
  })

  it("of a directory that somebody removed by hand is what containerd still has of it", () => {
    const steps = stepsOf(plan({ tree: { ...installed, [tee.data]: FileState.absent } }), "revert-cri")
    assert.include(steps[0], "remove 3 snapshots")
    assert.isFalse(steps.some((step) => step.includes(tee.data)))
  })

  const obstacles: ReadonlyArray<readonly [what: string, given: Given, said: RegExp]> = [
    [
      "it is in use",
      {
        facts: { snapshotterData: seen({ [tee.name]: { namespaces: [], obstacle: "it is in use by web" } }) },
      },
      /because it is in use by web\.$/,
    ],
    [
      "containerd does not answer",
      { facts: { snapshotterData: failed } },
      /containerd could not be asked what it has of it \(connection refused\)/,
    ],
    [
      "it is a link",
      { tree: { ...installed, [tee.data]: FileState.link("/data") } },
      /it is a link and no directory/,
    ],
    [
      "it is out of sight",
      {
        tree: {
          ...installed,
          [tee.data]: { _tag: "Unreadable", why: "out-of-sight", detail: "nothing shows it" },
        },
      },
      /it cannot be looked at from here \(nothing shows it\)/,
    ],
    [
      "its snapshotter cannot be stopped",
      { facts: { control: Fact.unknown("not-asked", "the operator chose so") } },
      /nydus-for-kata-tee\.service may still run, and no unit may be controlled here/,
    ],
  ]
  for (const [what, given, said] of obstacles)
    it(`stays where ${what}, with all of its snapshots and a warning that says so`, () => {
      const made = plan(given)
      const [notice] = kept(made)
      assert.strictEqual(notice?.severity, "warning")
      assert.match(notice?.message ?? "", said)
      assert.isNotEmpty(notice?.remedy)
      assert.include(made.residues, tee.data)
      const steps = stepsOf(made, "revert-cri")
      assert.include(steps, `keep ${tee.data}`)
      assert.isFalse(steps.some((step) => step.startsWith("remove 3 snapshots")))
    })

  describe("where nothing is installed any more", () => {
    const purge = { tree: leftover, facts: { ...nothingInstalled, snapshotterData: seen({}) } }

    it("is found by its name, and goes where nothing refers to it", () => {
      const made = plan(purge)
      assert.deepStrictEqual(stepsOf(made, "revert-cri"), [
        "remove /var/lib/nydus-for-kata-tee with everything in it",
      ])
      assert.deepStrictEqual(
        made.stages.map(({ stage }) => stage),
        ["revert-cri"],
      )
    })

    it("is named without a wish, and nothing is planned", () => {
      const made = plan({ ...purge, wish: "keep" })
      assert.isTrue(Plan.isEmpty(made))
      assert.deepStrictEqual(made.residues, [tee.data])
      assert.strictEqual(kept(made).length, 1)
    })

    it("stays where containerd lists snapshots: somebody else's nydus may have that name", () => {
      const facts = { ...nothingInstalled, snapshotterData: seen({ [tee.name]: three }) }
      const made = plan({ tree: leftover, facts })
      assert.match(kept(made)[0]?.message ?? "", /3 snapshots of nydus-for-kata-tee, and nothing here says/)
      assert.isTrue(Plan.isEmpty(made))
    })

    for (const [what, state, said] of [
      ["runs", Fact.known("active" as const) as Fact.Fact<"active">, /still runs, and nothing here says/],
      ["may run", Fact.unknown("failed", "no bus"), /it is not known whether nydus-for-kata-tee.service/],
    ] as const)
      it(`stays where a unit of that name ${what}`, () => {
        const units: Facts.Facts["snapshotterUnits"] = new Map(inactive).set(tee.unit, state)
        const made = plan({ ...purge, facts: { ...purge.facts, snapshotterUnits: units } })
        assert.match(kept(made)[0]?.message ?? "", said)
        assert.isTrue(Plan.isEmpty(made))
      })

    it("stays where the other mode's goes: each is decided by itself", () => {
      const made = plan({
        tree: { ...leftover, [hs.data]: FileState.directory() },
        facts: {
          ...nothingInstalled,
          snapshotterData: seen({ [hs.name]: { namespaces: [], obstacle: "images" } }),
        },
      })
      assert.deepStrictEqual(stepsOf(made, "revert-cri"), [
        "remove /var/lib/nydus-for-kata-tee with everything in it",
        "keep /var/lib/nydus-for-kata-hs",
      ])
    })
  })
})
