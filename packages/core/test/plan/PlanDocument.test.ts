import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as fc from "fast-check"
import { type Action, Change, FileState, HostPath, Plan, PlanDocument } from "../../src/index.ts"
import * as Generated from "./Generated.ts"

const Text = Schema.fromJsonString(PlanDocument.PlanDocument)
const none = () => undefined
const path = HostPath.make("/etc/a")

const planOf = (...actions: ReadonlyArray<Action.Action>): Plan.Plan => ({
  action: "install",
  instance: "default",
  runtime: "containerd",
  handlers: ["kata-qemu"],
  stages: [{ stage: "cri", steps: actions.map((action) => ({ action, because: "it has to be" })) }],
  restarts: [],
  sandboxes: null,
  refused: null,
  notices: [],
  residues: [],
})

const put = (before: FileState.FileState, after: FileState.FileState): Action.Action => ({
  _tag: "Put",
  change: Change.make(path, before, after),
})

describe("PlanDocument", () => {
  it("is JSON that its schema reads back as it was", () => {
    fc.assert(
      fc.property(Generated.plan, (plan) => {
        const document = PlanDocument.encode(plan, none)
        assert.deepStrictEqual(Schema.decodeUnknownSync(Text)(Schema.encodeSync(Text)(document)), document)
      }),
    )
  })

  it("lists every stage and every step of the plan, in order, with its reason", () => {
    fc.assert(
      fc.property(Generated.plan, (plan) => {
        const document = PlanDocument.encode(plan, none)
        assert.deepStrictEqual(
          document.stages.map((s) => [
            s.stage,
            s.steps.map((step) => [step.action.kind, step.because, step.changes]),
          ]),
          plan.stages.map((s) => [
            s.stage,
            s.steps.map((step) => [step.action._tag, step.because, Plan.changes(step.action)]),
          ]),
        )
      }),
    )
  })

  it("holds digests and never the text of a file", () => {
    const secret = "s3cret-text"
    const document = PlanDocument.encode(
      planOf(put(FileState.file(secret), FileState.file(`${secret}2`, 0o600))),
      none,
    )
    assert.notInclude(JSON.stringify(document), secret)
    assert.deepStrictEqual(document.stages[0]!.steps[0], {
      action: { kind: "Put", path },
      because: "it has to be",
      changes: true,
      before: { type: "file", sha256: PlanDocument.digest(secret), mode: 0o644 },
      after: { type: "file", sha256: PlanDocument.digest(`${secret}2`), mode: 0o600 },
    })
  })

  it("tells other permission bits of a text that stays", () => {
    const before = { type: "file" as const, sha256: PlanDocument.digest("text"), mode: 0o644 }
    const document = PlanDocument.encode(
      planOf(put(FileState.file("text"), FileState.file("text", 0o600))),
      none,
    )
    const [step] = document.stages[0]!.steps
    assert.deepStrictEqual([step!.before, step!.after], [before, { ...before, mode: 0o600 }])
  })

  it("asks for a diff of changed paths only, and leaves it out where there is none", () => {
    const asked: Array<string> = []
    const document = PlanDocument.encode(
      planOf(put(FileState.absent, FileState.file("a")), { _tag: "Prune", directories: [path] }),
      (change) => {
        asked.push(change.path)
        return "+a"
      },
    )
    assert.deepStrictEqual(asked, [path])
    assert.deepStrictEqual(
      document.stages[0]!.steps.map((s) => s.diff),
      ["+a", undefined],
    )
    assert.notProperty(document.stages[0]!.steps[1], "diff")
  })

  for (const [what, state, digest] of [
    ["nothing", FileState.absent, null],
    ["a link", FileState.link("b"), { type: "link", target: "b" }],
    ["a directory", FileState.directory(0o700), { type: "directory", mode: 0o700 }],
    ["what cannot be read", { _tag: "Unreadable", why: "denied", detail: "x" }, { type: "unreadable" }],
  ] as const) {
    it(`writes ${what} down`, () => {
      const [step] = PlanDocument.encode(planOf(put(state, FileState.absent)), none).stages[0]!.steps
      assert.deepStrictEqual<unknown>(step!.before, digest)
      assert.isNull(step!.after)
    })
  }

  for (const [action, summary] of [
    [put(FileState.absent, FileState.file("a")), "create /etc/a"],
    [put(FileState.file("b"), FileState.file("a")), "change /etc/a"],
    [put(FileState.file("a"), FileState.file("a")), "keep /etc/a"],
    [put(FileState.file("a"), FileState.absent), "remove /etc/a"],
    [put(FileState.absent, FileState.link("b")), "link /etc/a to b"],
    [put(FileState.absent, FileState.directory()), "create directory /etc/a"],
    [{ _tag: "Unit", verb: "reload", unit: "x" }, "reload systemd"],
    [{ _tag: "Unit", verb: "restart", unit: "k3s.service" }, "restart k3s.service"],
    [{ _tag: "RemoveTree", root: path, entries: "everything", reserved: [] }, "empty /etc/a"],
  ] as const satisfies ReadonlyArray<readonly [Action.Action, string]>) {
    it(`sums a step up as "${summary}"`, () => {
      assert.strictEqual(PlanDocument.summary(action), summary)
    })
  }

  it("digests the UTF-8 bytes of a text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        assert.strictEqual(PlanDocument.digest(text), createHash("sha256").update(text, "utf8").digest("hex"))
      }),
    )
  })
})
