import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { NodeMarks } from "../../src/index.ts"
import * as Vectors from "../Vectors.ts"

type Labels = Readonly<Record<string, string>>

interface VerdictCase {
  readonly name: string
  readonly input: { readonly labels: Labels; readonly ours: string }
  readonly expected: "keep" | "demote" | "remove"
}

interface ReleaseCase {
  readonly name: string
  readonly input: {
    readonly labels: Labels
    readonly ours: string
    readonly legacyDaemonSetSelectsNode: boolean
  }
  readonly expected: { readonly updates: Readonly<Record<string, string | null>> }
}

const shared = "katacontainers.io/kata-runtime"
const mark = (instance: string) => `kata-deploy.katacontainers.io/${instance}`
const instanceOf = (label: string) => label.slice(label.indexOf("/") + 1)

const apply = (labels: Labels, updates: Readonly<Record<string, string | null>>): Labels => {
  const after: Record<string, string> = { ...labels }
  for (const [key, value] of Object.entries(updates)) {
    if (value === null) delete after[key]
    else after[key] = value
  }
  return after
}

const labels = fc.dictionary(
  fc.constantFrom(
    shared,
    mark("default"),
    mark("dev"),
    mark("prod"),
    "kubernetes.io/hostname",
    "kata-deploy.katacontainers.io.x/y",
  ),
  fc.constantFrom("true", "false", ""),
  { noNullPrototype: true },
)
const instance = fc.constantFrom("default", "dev")

describe("NodeMarks", () => {
  for (const [name, expected] of [
    ["default", "kata-deploy.katacontainers.io/default"],
    ["dev", "kata-deploy.katacontainers.io/dev"],
  ] as const) {
    it(`marks a node for ${name} with ${expected}`, () => {
      assert.strictEqual(NodeMarks.markOf(name), expected)
    })
  }

  for (const { expected, input, name } of Vectors.section<VerdictCase>(
    "08-kubernetes",
    "sharedLabelVerdict",
  )) {
    it(`judges the shared label as upstream: ${name}`, () => {
      assert.strictEqual(NodeMarks.sharedVerdict(input.labels, instanceOf(input.ours)), expected)
    })
  }

  for (const { expected, input, name } of Vectors.section<ReleaseCase>("08-kubernetes", "releaseNode")) {
    if (input.legacyDaemonSetSelectsNode) continue
    it(`releases as upstream: ${name}`, () => {
      assert.deepStrictEqual(
        NodeMarks.decide("release", input.labels, instanceOf(input.ours)),
        expected.updates,
      )
    })
  }

  it("claims a node without promising anything: what is there stays as it is", () => {
    assert.deepStrictEqual(NodeMarks.claim({}, "dev"), { [shared]: "false", [mark("dev")]: "false" })
    assert.deepStrictEqual(NodeMarks.claim({ [shared]: "true", [mark("dev")]: "true" }, "dev"), {})
    assert.deepStrictEqual(NodeMarks.claim({ [shared]: "" }, "dev"), { [mark("dev")]: "false" })
  })

  it("promotes both labels to true, and names only those that are not", () => {
    assert.deepStrictEqual(NodeMarks.promote({}, "dev"), { [shared]: "true", [mark("dev")]: "true" })
    assert.deepStrictEqual(NodeMarks.promote({ [shared]: "true", [mark("dev")]: "false" }, "dev"), {
      [mark("dev")]: "true",
    })
    assert.deepStrictEqual(NodeMarks.promote({ [shared]: "true", [mark("dev")]: "true" }, "dev"), {})
  })

  for (const [what, given, updates] of [
    [
      "nobody else",
      { [shared]: "true", [mark("dev")]: "true" },
      { [shared]: "false", [mark("dev")]: "false" },
    ],
    [
      "another that serves",
      { [shared]: "true", [mark("dev")]: "true", [mark("prod")]: "true" },
      { [mark("dev")]: "false" },
    ],
    [
      "another that is pending",
      { [shared]: "true", [mark("dev")]: "true", [mark("prod")]: "false" },
      { [shared]: "false", [mark("dev")]: "false" },
    ],
    ["no mark of ours", { [shared]: "true" }, { [shared]: "false" }],
    ["no label at all", {}, {}],
    ["everything demoted", { [shared]: "false", [mark("dev")]: "false" }, {}],
  ] as const) {
    it(`demotes beside ${what}`, () => {
      assert.deepStrictEqual(NodeMarks.demote(given, "dev"), updates)
    })
  }

  it("law L3: never touches a label of somebody else", () => {
    fc.assert(
      fc.property(
        labels,
        instance,
        fc.constantFrom("claim", "promote", "demote", "release"),
        (given, name, intent) => {
          for (const key of Object.keys(NodeMarks.decide(intent, given, name))) {
            assert.include([shared, mark(name)], key)
          }
        },
      ),
    )
  })

  it("has nothing left to do once it is done", () => {
    fc.assert(
      fc.property(
        labels,
        instance,
        fc.constantFrom("claim", "promote", "demote", "release"),
        (given, name, intent) => {
          const after = apply(given, NodeMarks.decide(intent, given, name))
          assert.deepStrictEqual(NodeMarks.decide(intent, after, name), {})
        },
      ),
    )
  })

  it("keeps the shared label true as long as another install serves", () => {
    fc.assert(
      fc.property(labels, instance, fc.constantFrom("demote", "release"), (given, name, intent) => {
        const serving = { ...given, [mark("other")]: "true", [shared]: "true" }
        assert.strictEqual(apply(serving, NodeMarks.decide(intent, serving, name))[shared], "true")
      }),
    )
  })

  it("leaves no mark of ours behind once released, and no shared label that nobody stands for", () => {
    fc.assert(
      fc.property(labels, instance, (given, name) => {
        const after = apply(given, NodeMarks.release(given, name))
        assert.notProperty(after, mark(name))
        const others = Object.keys(after).some((key) => key.startsWith(mark("")))
        if (!others) assert.notProperty(after, shared)
      }),
    )
  })
})
