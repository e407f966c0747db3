import { assert, describe, it } from "@effect/vitest"
import {
  Change,
  Confirmation,
  Fact,
  FileState,
  HostPath,
  type NodeApi,
  type RuntimeEvidence,
} from "../../src/index.ts"

const node = (runtimeHandlers: ReadonlyArray<string> | undefined): Fact.Fact<NodeApi.NodeFacts> =>
  Fact.known({ containerRuntimeVersion: "containerd://2.1.5", labels: {}, runtimeHandlers })

const judge = (rest: Partial<Confirmation.Evidence>) =>
  Confirmation.judge({
    written: ["kata-qemu", "kata-clh"],
    node: Fact.unknown("not-asked", "nobody asked"),
    testimony: undefined,
    paths: [],
    ...rest,
  })

describe("Confirmation, without a restart", () => {
  for (const [what, seen, handlers, missing] of [
    ["has both", node(["runc", "kata-clh", "kata-qemu"]), "served", []],
    ["has one of two", node(["runc", "kata-clh"]), "partly", ["kata-qemu"]],
    ["has none", node(["runc"]), "not-served", ["kata-qemu", "kata-clh"]],
    ["reports an empty list", node([]), "not-served", ["kata-qemu", "kata-clh"]],
    ["reports no list", node(undefined), "unknown", []],
    ["was not asked", Fact.unknown("not-asked", "nobody asked"), "unknown", []],
  ] as const) {
    it(`says ${handlers} of a node that ${what}`, () => {
      const found = judge({ node: seen })
      assert.deepStrictEqual([found.handlers, found.missing], [handlers, [...missing]])
    })
  }

  it("gives the reason why it does not know", () => {
    assert.strictEqual(judge({}).because, "nobody asked")
    assert.include(judge({ node: node(undefined) }).because, "does not report")
  })

  it("knows nothing where no handler was written", () => {
    assert.strictEqual(judge({ written: [], node: node(["runc"]) }).handlers, "unknown")
  })
})

describe("Confirmation, after a restart", () => {
  const because = "so it was seen"
  for (const [testimony, handlers, missing] of [
    [{ _tag: "Served", because }, "served", []],
    [{ _tag: "Partly", missing: ["kata-clh"], because }, "partly", ["kata-clh"]],
    [{ _tag: "NotServed", because }, "not-served", ["kata-qemu", "kata-clh"]],
    [{ _tag: "Unseen", because }, "unknown", []],
  ] as ReadonlyArray<readonly [RuntimeEvidence.Testimony, string, ReadonlyArray<string>]>) {
    it(`says ${handlers} by what was seen then, whatever the Node object still says`, () => {
      for (const seen of [node(["kata-qemu", "kata-clh"]), node([]), node(undefined)]) {
        assert.deepStrictEqual(judge({ testimony, node: seen }), {
          handlers: handlers as Confirmation.Confirmation["handlers"],
          missing,
          because,
          overwritten: [],
        })
      }
    })
  }
})

describe("Confirmation, of the paths", () => {
  const [a, b] = ["/a", "/b"].map((path) => HostPath.make(path)) as [HostPath.HostPath, HostPath.HostPath]
  const write = (path: HostPath.HostPath, text: string) =>
    Change.make(path, FileState.absent, FileState.file(text))

  it("names those that are no longer what they were made", () => {
    const { overwritten } = judge({
      paths: [
        { change: write(a, "ours"), found: FileState.file("ours") },
        { change: write(b, "ours"), found: FileState.file("theirs") },
      ],
    })
    assert.deepStrictEqual(overwritten, [b])
  })

  it("goes by the last change of each, and passes over directories", () => {
    const last = write(a, "second")
    const made = Change.make(b, FileState.absent, FileState.directory())
    assert.deepStrictEqual(Confirmation.finalChanges([write(a, "first"), made, last]), [last])
    assert.deepStrictEqual(Confirmation.finalChanges([made, write(b, "x")]), [write(b, "x")])
  })
})
