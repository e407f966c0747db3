import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type Plan, PlanDocument, PlanReview, Progress, Run } from "../../src/index.ts"
import { SampleArchive } from "../../src/testing/index.ts"
import { hosts } from "../engine/SampleHosts.ts"
import * as Node from "../engine/SampleNode.ts"
import * as SystemdNode from "../engine/SystemdNode.ts"

const { host, request } = SystemdNode

const made = (node = SystemdNode.make(), asked = request("install")) => Run.plan(asked).pipe(node.on)

const document = (plan: Plan.Plan) => PlanDocument.encode(plan, () => "a diff")

/** Sorts the keys of every object the other way round. */
const reversed = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(reversed)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .toReversed()
            .map(([key, inner]) => [key, reversed(inner)]),
        )
      : value

const throughJson = (value: unknown) =>
  Schema.decodeUnknownSync(PlanDocument.PlanDocument)(JSON.parse(JSON.stringify(value)))

type Document = PlanDocument.PlanDocument

/** The document with the first step that changes a file rewritten. */
const withStep = (
  plan: Document,
  rewrite: (step: PlanDocument.StepDocument) => PlanDocument.StepDocument,
) => {
  let done = false
  return {
    ...plan,
    stages: plan.stages.map((stage) => ({
      ...stage,
      steps: stage.steps.map((step) => {
        if (done || step.action.kind !== "Put" || !step.changes || step.after?.type !== "file") return step
        done = true
        return rewrite(step)
      }),
    })),
  }
}

const told = (plan: Document, now: Plan.Plan) =>
  PlanReview.differences(plan, now).map(({ message, path }) => path ?? message)

describe("a plan that was reviewed", () => {
  it.effect(
    "is the plan that is made now, also after it went through JSON with other reasons and key order",
    () =>
      Effect.gen(function* () {
        const plan = yield* made()
        const review = throughJson(reversed(document(plan)))
        const reworded = {
          ...review,
          notices: [],
          stages: review.stages.map((stage) => ({
            ...stage,
            steps: stage.steps.map((step) => ({ ...step, because: "other words", diff: "another" })),
          })),
        }
        assert.deepStrictEqual(PlanReview.differences(throughJson(reworded), plan), [])
      }),
  )

  it.effect("is not asked about steps that change nothing", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      yield* Run.run(request("install")).pipe(node.on)
      const plan = yield* made(node)
      const bare = { ...document(plan), stages: [] }
      assert.deepStrictEqual(PlanReview.differences(bare, plan), [])
    }),
  )

  it.effect("has drifted where a path would become something else, or was something else", () =>
    Effect.gen(function* () {
      const plan = yield* made()
      const review = document(plan)
      const other = { type: "file", sha256: "0".repeat(64), mode: 0o644 } as const
      let path = ""
      const after = withStep(review, (step) => {
        path = step.action.path!
        return { ...step, after: other }
      })
      assert.deepStrictEqual(told(after, plan), [path])
      assert.deepStrictEqual(
        told(
          withStep(review, (step) => ({ ...step, before: other })),
          plan,
        ),
        [path],
      )
      const mode = withStep(review, (step) => ({ ...step, after: { ...step.after!, mode: 0o600 } }))
      assert.deepStrictEqual(told(mode, plan), [path])
    }),
  )

  it.effect("has drifted where it has a step fewer, one more, or a stage fewer", () =>
    Effect.gen(function* () {
      const plan = yield* made()
      const review = document(plan)
      const fewer = review.stages.map((stage) => ({
        ...stage,
        steps: stage.steps.filter((step) => step.action.kind !== "Extract"),
      }))
      assert.deepStrictEqual(told({ ...review, stages: fewer }, plan), ["/opt/kata"])
      const more = review.stages.map((stage) =>
        stage.stage === "cri"
          ? {
              ...stage,
              steps: [
                ...stage.steps,
                {
                  action: { kind: "Unit", verb: "stop", unit: "kubelet.service" },
                  because: "",
                  changes: true,
                },
              ],
            }
          : stage,
      )
      const [problem] = PlanReview.differences({ ...review, stages: more }, plan)
      assert.include(problem?.message, "stage cri")
      const noCri = review.stages.filter(({ stage }) => stage !== "cri")
      assert.isNotEmpty(told({ ...review, stages: noCri }, plan))
    }),
  )

  it.effect("has drifted where an archive is another one, as far as size and digests tell", () =>
    Effect.gen(function* () {
      const plan = yield* made()
      const review = document(plan)
      type Archive = PlanDocument.ArchiveDocument
      const withArchives = (of: (archive: Archive) => Archive | undefined): Document => ({
        ...review,
        stages: review.stages.map((stage) => ({
          ...stage,
          steps: stage.steps.map(({ action: { archives, ...action }, ...step }) => ({
            ...step,
            action:
              archives === undefined ? action : { ...action, archives: archives.flatMap((a) => of(a) ?? []) },
          })),
        })),
      })
      const isOf =
        (component: string, change: Partial<Archive>) =>
        (archive: Archive): Archive =>
          archive.component === component ? { ...archive, ...change } : archive
      const [about, ...others] = told(withArchives(isOf("qemu", { size: 1 })), plan)
      assert.match(about ?? "", /^The archive of qemu is another one .*: \d+ bytes now, 1 bytes then\.$/)
      assert.deepStrictEqual(others, [])
      const sha256 = "0".repeat(64)
      assert.match(
        told(withArchives(isOf("shim-v2-go", { sha256 })), plan).join("\n"),
        /^The archive of shim-v2-go .* sha256:[0-9a-f]{12}… now, .* sha256:0{12}… then\.$/,
      )
      // The digest of qemu's archive is not known now, and releases before this one wrote nothing of archives down.
      assert.deepStrictEqual(told(withArchives(isOf("qemu", { sha256 })), plan), [])
      assert.deepStrictEqual(
        told(
          withArchives(() => undefined),
          plan,
        ),
        [],
      )
    }),
  )

  it.effect("has drifted where action, instance, CRI runtime or restarts are others", () =>
    Effect.gen(function* () {
      const plan = yield* made()
      const review = document(plan)
      const cases: ReadonlyArray<readonly [Partial<Document>, string]> = [
        [{ action: "cleanup" }, "one of cleanup, not of install"],
        [{ instance: "blue" }, "instance blue, not of default"],
        [{ runtime: "crio" }, "containerd now, not crio"],
        [{ restarts: [] }, "Other units"],
        [{ restarts: [{ unit: SystemdNode.unit, due: "not-ours" }] }, "Other units"],
      ]
      for (const [change, words] of cases) {
        const problems = PlanReview.differences({ ...review, ...change }, plan)
        assert.strictEqual(problems.length, 1)
        assert.include(problems[0]!.message, words)
        assert.deepInclude(problems[0], { code: "E_PLAN_DRIFTED", setting: "--plan" })
      }
    }),
  )
})

describe("an install with a reviewed plan", () => {
  it.effect("is carried out while the plan is still the one that was reviewed", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      const reviewed = throughJson(document(yield* made(node)))
      const report = yield* Run.run(request("install", { reviewed })).pipe(node.on)
      assert.strictEqual(report.outcome, "done")
    }),
  )

  it.effect.each(hosts)("is carried out to its end on $name, although stages are planned again", (each) => {
    const node = Node.host(each.tree)
    const asked = Node.request("install", each.variables)
    return Effect.gen(function* () {
      const reviewed = throughJson(document(yield* Run.plan(asked)))
      const report = yield* Run.run({ ...asked, conduct: { reviewed } })
      assert.strictEqual(report.outcome, "done")
    }).pipe(Effect.provide(Node.layer(node)))
  })

  it.effect("touches nothing when the host changed since, and names the path", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      const reviewed = throughJson(document(yield* made(node)))
      const main = Node.path(host.mainConfig)
      node.files.tree.set(main, { _tag: "File", text: "version = 3\n# edited\n", mode: 0o644 })
      const before = Node.snapshot(node.files)
      const error = yield* Run.run(request("install", { reviewed })).pipe(node.on, Effect.flip)
      assert.strictEqual(error._tag, "PlanDriftError")
      assert.include(error.message, main)
      assert.deepStrictEqual(Node.snapshot(node.files), before)
      assert.deepStrictEqual([node.api.updates, node.shell.faults.operations], [[], []])
    }),
  )

  it.effect("touches nothing when an archive was exchanged since", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      const reviewed = throughJson(document(yield* made(node)))
      node.files.archives.set("tarballs/kata-static-qemu.tar.zst", [
        SampleArchive.file("bin/qemu-system-x86_64", "not what was reviewed", 0o755),
      ])
      const before = Node.snapshot(node.files)
      const error = yield* Run.run(request("install", { reviewed })).pipe(node.on, Effect.flip)
      assert.strictEqual(error._tag, "PlanDriftError")
      assert.include(error.message, "The archive of qemu is another one")
      assert.deepStrictEqual(Node.snapshot(node.files), before)
    }),
  )

  it.effect("touches nothing when the settings are others", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      const reviewed = document(yield* made(node))
      const before = Node.snapshot(node.files)
      const other = Node.request("install", { ...host.variables, SHIMS_X86_64: "qemu clh" })
      const error = yield* Run.run({ ...other, conduct: { reviewed } }).pipe(node.on, Effect.flip)
      assert.strictEqual(error._tag, "PlanDriftError")
      assert.deepStrictEqual(Node.snapshot(node.files), before)
    }),
  )

  it.effect("goes no further when the host changes while a stage before takes its time", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      const reviewed = throughJson(document(yield* made(node)))
      const main = Node.path(host.mainConfig)
      const edited = "version = 3\n# edited\n"
      const tell = (event: Progress.ProgressEvent) =>
        Effect.sync(() => {
          if (event._tag === "StageDone" && event.stage === "artifacts")
            node.files.tree.set(main, { _tag: "File", text: edited, mode: 0o644 })
        })
      const error = yield* Run.run(request("install", { reviewed })).pipe(
        Effect.provideService(Progress.Progress, { tell }),
        node.on,
        Effect.flip,
      )
      assert.strictEqual(error._tag === "ApplyError" ? error.cause._tag : error._tag, "PlanDriftError")
      assert.include(error.message, main)
      assert.deepInclude(node.files.tree.get(main), { text: edited })
      assert.strictEqual(SystemdNode.asked(node, "restart"), 0)
    }),
  )
})
