/** Whose fault is a configuration that does not work: what counts as a change, and what as broken before? */
import { assert, describe, it } from "@effect/vitest"
import { ConfigPrediction, HostPath } from "../../src/index.ts"
import { cri, type Document, images, kata, plugin, root, runc, text, v17, v21, x } from "./effective/Rows.ts"

type Documents = Readonly<Record<string, Document | string>>

const filesOf = (files: Documents) =>
  new Map(Object.entries(files).map(([path, document]) => [HostPath.make(path), text(document)]))

const judge = (
  before: Documents,
  after: Documents,
  rest: Partial<ConfigPrediction.PredictionInput> = {},
): ConfigPrediction.Verdict =>
  ConfigPrediction.judge({
    root,
    version: v21,
    before: filesOf(before),
    after: filesOf({ ...before, ...after }),
    wanted: [],
    isOurs: (name) => name.startsWith("kata-"),
    userDropIn: undefined,
    ...rest,
  })

const codes = ({ problems }: ConfigPrediction.Verdict) => problems.map((p) => p.code)
const message = ({ problems }: ConfigPrediction.Verdict) => problems.map((p) => p.message).join("\n")

const y = "/opt/d/y.toml"
const works: Documents = { [root]: { version: 2, imports: [x], plugins: cri(2, { runc }) }, [x]: {} }

describe("ConfigPrediction, when the daemon would not start", () => {
  it("blames the plan where the daemon starts today", () => {
    assert.deepStrictEqual(codes(judge(works, { [x]: "x = " })), ["E_EFFECTIVE_CONFIG"])
  })

  it("blames the plan for another file than the one that is broken today", () => {
    const broken = { ...works, [root]: { version: 2, imports: [x, y] }, [x]: {}, [y]: "y = " }
    const verdict = judge(broken, { [x]: "y = " })
    assert.deepStrictEqual([codes(verdict), verdict.problems[0]?.path], [["E_EFFECTIVE_CONFIG"], x])
  })

  it("blames the plan for another reason in the same file", () => {
    const broken = { ...works, [x]: "x = " }
    const verdict = judge(broken, { [x]: { debug: { level: "loud" } } })
    assert.deepStrictEqual([codes(verdict), verdict.problems[0]?.path], [["E_EFFECTIVE_CONFIG"], x])
  })

  it("names the line where there is one, and only there", () => {
    assert.include(message(judge(works, { [x]: "a = 1\nx = \n" })), `${x} (line 2)`)
    const withoutLine = message(judge(works, { [x]: { debug: { level: "loud" } } }))
    assert.include(withoutLine, `${x}: `)
    assert.notInclude(withoutLine, "(line")
  })

  it("tells of no warnings, which nobody would get to see", () => {
    assert.deepStrictEqual(judge(works, { [x]: "x = " }).notices, [])
  })
})

describe("ConfigPrediction, when the CRI would not be loaded", () => {
  const disabled = { [root]: { version: 2, imports: [x], disabled_plugins: [plugin[2]] }, [x]: {} }
  const noDefault = { plugins: cri(2, { "kata-qemu": kata }) }

  it("blames the plan where it is loaded today", () => {
    assert.deepStrictEqual(codes(judge(works, { [x]: { disabled_plugins: [plugin[2]] } })), [
      "E_EFFECTIVE_CONFIG",
    ])
  })

  it("blames the plan where the daemon does not even start today", () => {
    assert.deepStrictEqual(codes(judge({ ...disabled, [x]: "x = " }, { [x]: {} })), ["E_EFFECTIVE_CONFIG"])
  })

  it("blames the plan for another reason than the one of today", () => {
    const verdict = judge(
      disabled,
      { [root]: { ...(works[root] as Document) }, [x]: noDefault },
      { version: v17 },
    )
    assert.deepStrictEqual(codes(verdict), ["E_EFFECTIVE_CONFIG"])
  })

  it("blames nobody's plan for what stays as it is", () => {
    assert.deepStrictEqual(codes(judge(disabled, {})), ["E_CRI_NOT_LOADED"])
  })

  it("has no handlers of others to compare with", () => {
    const lists = { ...disabled, [root]: { ...disabled[root], plugins: cri(2, { runc, crun: runc }) } }
    assert.deepStrictEqual(codes(judge(lists, { [root]: { version: 2, plugins: cri(2, { runc }) } })), [])
  })
})

describe("ConfigPrediction, when handlers are missing", () => {
  const other = { [root]: { version: 3, imports: [x], plugins: cri(3, { runc }) }, [x]: {} }
  const ours: Document = { plugins: cri(2, { "kata-qemu": kata, "kata-clh": kata }) }

  it("names those that are missing, and not those that would be served", () => {
    const verdict = judge(works, { [x]: ours }, { wanted: ["kata-qemu", "kata-fc", "kata-x"] })
    assert.match(message(verdict), /would not serve kata-fc, kata-x, whatever is written for them: /)
    const one = judge(works, { [x]: ours }, { wanted: ["kata-qemu", "kata-fc"] })
    assert.match(message(one), /would not serve kata-fc, whatever is written for it: /)
  })

  it("gives the simulator's reason where it has one, and else the file that has the last word", () => {
    const told = message(judge(other, { [x]: ours }, { wanted: ["kata-qemu"] }))
    assert.match(told, /count as version 3/)
    assert.notInclude(told, "takes the place")
    assert.include(message(judge(works, {}, { wanted: ["kata-qemu"] })), `${x}, which it loads last`)
    const alone = { [root]: { version: 2, plugins: cri(2, { runc }) } }
    assert.include(message(judge(alone, {}, { wanted: ["kata-qemu"] })), `${root}, which it loads last`)
  })

  it("passes over warnings that explain nothing", () => {
    const misspelt = { plugins: { [images]: { runtime_platform: { x: {} } } } }
    const verdict = judge(
      { [root]: { version: 3, imports: [x], plugins: cri(3, { runc }) }, [x]: {} },
      { [x]: { version: 3, ...misspelt } },
      { wanted: ["kata-qemu"] },
    )
    assert.isNotEmpty(verdict.notices)
    assert.include(message(verdict), "which it loads last")
  })

  it("of others and of ours at once, says both", () => {
    const crun = { [root]: { version: 2, imports: [x], plugins: cri(2, { runc, crun: runc }) }, [x]: {} }
    const verdict = judge(crun, { [root]: works[root]! }, { wanted: ["kata-qemu"] })
    assert.deepStrictEqual(codes(verdict), ["E_EFFECTIVE_CONFIG", "E_EFFECTIVE_CONFIG"])
    assert.match(message(verdict), /not serve kata-qemu[^]*lose the handlers of others: crun/)
  })
})

describe("ConfigPrediction, of a handler of others", () => {
  const handler = { runtime_type: "io.containerd.x.v2", options: { a: [1, { b: 2 }], c: true } }
  const node = (crun: Document): Documents => ({
    [root]: { version: 2, plugins: cri(2, { runc, crun }) },
  })
  const changed = (before: Document, after: Document) =>
    message(judge(node(before), node(after))).includes("would change the handlers of others: crun")

  it("takes the same words in another order for the same", () => {
    assert.isFalse(changed(handler, { ...handler }))
    assert.isFalse(
      changed(handler, { options: { c: true, a: [1, { b: 2 }] }, runtime_type: handler.runtime_type }),
    )
  })

  for (const [what, after] of [
    ["its type", { ...handler, runtime_type: "io.containerd.y.v2" }],
    ["its program", { ...handler, runtime_path: "/usr/bin/x" }],
    ["its snapshotter", { ...handler, snapshotter: "zfs" }],
    ["that it has no options", { runtime_type: handler.runtime_type }],
    ["the value of an option", { ...handler, options: { ...handler.options, c: false } }],
    ["the name of an option", { ...handler, options: { a: handler.options.a, d: true } }],
    ["one option more", { ...handler, options: { ...handler.options, d: 1 } }],
    ["one option less", { ...handler, options: { a: handler.options.a } }],
    ["something deep in an option", { ...handler, options: { ...handler.options, a: [1, { b: 3 }] } }],
    ["the length of a list", { ...handler, options: { ...handler.options, a: [1, { b: 2 }, 3] } }],
    ["a list that becomes a word", { ...handler, options: { ...handler.options, a: "1" } }],
  ] as const) {
    it(`notices ${what}, either way`, () => {
      assert.isTrue(changed(handler, after))
      assert.isTrue(changed(after, handler))
    })
  }

  it("lets ours change as it likes", () => {
    const of = (dir: string) => ({
      [root]: { version: 2, plugins: cri(2, { runc, "kata-qemu": { ...kata, runtime_path: dir } }) },
    })
    assert.deepStrictEqual(judge(of("/a/shim"), of("/b/shim")), { problems: [], notices: [] })
  })

  it("speaks of the operator's drop-in only where that changes one", () => {
    const userDropIn = HostPath.make(x)
    assert.deepStrictEqual(judge(node(handler), node(handler), { userDropIn }).notices, [])
    const verdict = judge(node(handler), node({ ...handler, snapshotter: "zfs" }), { userDropIn })
    assert.deepStrictEqual(codes(verdict), [])
    const told = verdict.notices.find((n) => n.code === "user-drop-in-changes-handlers")
    assert.match(told?.message ?? "", /x\.toml .*: crun\.$/)
  })

  it("that the operator's drop-in would take away is refused all the same", () => {
    const gone = judge(
      node(handler),
      { [root]: { version: 2, plugins: cri(2, { runc }) } },
      { userDropIn: HostPath.make(x) },
    )
    assert.match(message(gone), /would lose the handlers of others: crun/)
  })
})
